import { type Clock, sleep } from "../../core/clock.ts";

/** So many at once, and then one each `everyMs`. */
export class TokenBucket {
  readonly #burst: number;
  readonly #everyMs: number;
  readonly #clock: Clock;
  /** When the next one would come if none were left over. */
  #dueMs: number;

  constructor(burst: number, everyMs: number, clock: Clock) {
    this.#burst = burst;
    this.#everyMs = everyMs;
    this.#clock = clock;
    this.#dueMs = clock.nowMs() - burst * everyMs;
  }

  /** Resolves when it is there; rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs();
    this.#dueMs = Math.max(this.#dueMs, nowMs - this.#burst * this.#everyMs) + this.#everyMs;
    if (this.#dueMs > nowMs) await sleep(this.#clock, this.#dueMs - nowMs, signal);
  }
}
