/** Gathers places while a request is walked. */
export class Places {
  items = 0;
  readonly numbers: { at: number; item: number }[] = [];
  readonly traces: { at: number; item: number }[] = [];
  readonly times: { at: number; nanos: bigint }[] = [];
  readonly #firstOfTrace = new Map<string, number>();
  readonly #itemOfId = new Map<string, number>();

  /** An item's own id; remembered, so that its children can be found. */
  own(at: number, id: string, item: number): void {
    this.numbers.push({ at, item });
    this.#itemOfId.set(id, item);
  }

  parent(at: number, id: string): void {
    const item = this.#itemOfId.get(id);
    if (item !== undefined) this.numbers.push({ at, item });
  }

  trace(at: number, id: string, item: number): void {
    const first = this.#firstOfTrace.get(id) ?? item;
    this.#firstOfTrace.set(id, first);
    this.traces.push({ at, item: first });
  }

  time(at: number, nanos: bigint): void {
    this.times.push({ at, nanos });
  }
}
