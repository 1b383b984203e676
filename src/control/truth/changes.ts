/** That something may be different, however often it was said. */
export class ChangeSignal {
  readonly #signal: AbortSignal;
  #isNew = false;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Never rejects. */
  async follow(states: AsyncIterable<unknown>): Promise<void> {
    try {
      for await (const _ of states) {
        this.#isNew = true;
        this.#wake();
      }
    } catch {
      this.#wake(); // the store was closed
    }
  }

  /** All until now is looked at. */
  seen(): void {
    this.#isNew = false;
  }

  async next(): Promise<void> {
    if (this.#isNew || this.#signal.aborted) return;
    await new Promise<void>((wake) => void (this.#wake = wake));
  }
}
