import { createHistogram } from "node:perf_hooks";

/** Milliseconds; all of them 0 before there is one. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Latencies in constant memory, however many there are: known to a thousandth, up to an hour. */
export class Latencies {
  readonly #us = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 3 });
  #sumMs = 0;
  #maxMs = 0;

  add(latencyMs: number): void {
    this.#us.record(Math.min(3_600_000_000, Math.max(1, Math.round(latencyMs * 1_000))));
    this.#sumMs += latencyMs;
    this.#maxMs = Math.max(this.#maxMs, latencyMs);
  }

  summary(): LatencySummary {
    const { count } = this.#us;
    const quantileMs = (percent: number): number =>
      count === 0 ? 0 : Math.min(this.#maxMs, this.#us.percentile(percent) / 1_000);
    return {
      count,
      meanMs: count === 0 ? 0 : this.#sumMs / count,
      p50Ms: quantileMs(50),
      p90Ms: quantileMs(90),
      p99Ms: quantileMs(99),
      maxMs: this.#maxMs,
    };
  }
}
