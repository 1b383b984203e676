import type { Clock } from "../../core/clock.ts";

interface ConnectionGateOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  /** So many may come at once after a quiet time. */
  readonly burst: number;
}

/** Whether one more connection may begin: a bucket that fills evenly. */
export class ConnectionGate {
  readonly #options: ConnectionGateOptions;
  #left: number;
  #atMs: number;

  constructor(options: ConnectionGateOptions) {
    this.#options = options;
    this.#left = options.burst;
    this.#atMs = options.clock.nowMs();
  }

  admit(): boolean {
    const { clock, perSecond, burst } = this.#options;
    const nowMs = clock.nowMs();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) * perSecond) / 1_000);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
