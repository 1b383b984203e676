/** What must not overlap is done in the order in which it came. */
export class InTurn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when all that came before is over. The turn lasts until what it gives is called. */
  async next(): Promise<() => void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#last;
    this.#last = promise;
    await before;
    return resolve;
  }
}
