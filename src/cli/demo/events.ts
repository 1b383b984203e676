import type { DemoEvent } from "./view.ts";

const MAX_EVENTS = 200;

/** What happened in the demo, the newest last. */
export class Events {
  readonly #all: DemoEvent[] = [];
  readonly #elapsedMs: () => number;
  #told = 0;

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  get all(): readonly DemoEvent[] {
    return this.#all;
  }

  add(tone: DemoEvent["tone"], text: string): void {
    this.#all.push({ atMs: this.#elapsedMs(), tone, text });
    if (this.#all.length <= MAX_EVENTS) return;
    this.#all.shift();
    this.#told = Math.max(0, this.#told - 1);
  }

  /** Those that were not taken yet. */
  takeNew(): readonly DemoEvent[] {
    const fresh = this.#all.slice(this.#told);
    this.#told = this.#all.length;
    return fresh;
  }
}
