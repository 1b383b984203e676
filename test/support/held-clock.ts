import { type Cancel, type Clock, systemClock } from "../../src/core/clock.ts";

/** The machine's clock, but what is due in `fromMs` or later waits until the test runs it. */
export class HeldClock implements Clock {
  readonly #held = new Set<{ readonly delayMs: number; readonly run: () => void }>();
  readonly #fromMs: number;
  #added = Promise.withResolvers<void>();

  constructor(fromMs = 10_000) {
    this.#fromMs = fromMs;
  }

  nowMs(): number {
    return systemClock.nowMs();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    if (delayMs < this.#fromMs) return systemClock.after(delayMs, run);
    const timer = { delayMs, run };
    this.#held.add(timer);
    this.#added.resolve();
    this.#added = Promise.withResolvers();
    return () => void this.#held.delete(timer);
  }

  /** Runs what waits with a delay from `leastMs` to `mostMs`; says how much that was. */
  run(leastMs: number, mostMs: number): number {
    const due = [...this.#held].filter(({ delayMs }) => delayMs >= leastMs && delayMs <= mostMs);
    for (const timer of due) this.#held.delete(timer);
    for (const timer of due) timer.run();
    return due.length;
  }

  /** Waits until there is such a one. */
  async runNext(leastMs: number, mostMs: number): Promise<void> {
    while (this.run(leastMs, mostMs) === 0) await this.#added.promise;
  }
}
