/**
 * Events in order, for one reader. The oldest are forgotten when nobody reads them and there are
 * too many. Ends when it is closed and all were read.
 */
export class EventStream<Event> implements AsyncIterable<Event> {
  readonly #maxEvents: number;
  readonly #events: Event[] = [];
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(maxEvents = 100) {
    this.#maxEvents = maxEvents;
  }

  add(event: Event): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    if (this.#events.length > this.#maxEvents) this.#events.shift();
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) yield event;
      else if (this.#isClosed) return;
      else await this.#added();
    }
  }

  #added(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
