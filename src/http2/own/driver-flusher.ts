/** What has something to write. */
export interface Flushable {
  flush(): void;
}

/** Writes once in a turn of the loop for each connection, however many calls had something to say in it. */
export class Flusher {
  #waiting: Flushable[] = [];
  readonly #onImmediate = (): void => this.#run();

  add(flushable: Flushable): void {
    if (this.#waiting.push(flushable) === 1) setImmediate(this.#onImmediate);
  }

  #run(): void {
    const waiting = this.#waiting;
    this.#waiting = []; // what comes up meanwhile is for the next turn
    for (const flushable of waiting) flushable.flush();
  }
}
