import type { LatencySummary } from "../src/cli/send/latency.ts";

/** Buckets in each doubling: the upper edge of a bucket is at most 3 % above what was measured. */
const STEPS = 32;
/** Doublings above one microsecond: up to 2^28 us, four and a half minutes. */
const DOUBLINGS = 28;

/** What a histogram has counted, as plain data. */
export interface LatencyCounts {
  /** Those buckets in which there is something. */
  readonly buckets: readonly (readonly [at: number, count: number])[];
  readonly sumMs: number;
  readonly maxMs: number;
}

/** Latencies in logarithmic buckets: constant memory however many there are. */
export class LatencyHistogram {
  readonly #buckets = new Float64Array(STEPS * DOUBLINGS);
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  add(latencyMs: number): void {
    this.#count++;
    this.#sumMs += latencyMs;
    if (latencyMs > this.#maxMs) this.#maxMs = latencyMs;
    const at = bucketOf(latencyMs);
    this.#buckets[at] = this.#buckets[at]! + 1;
  }

  /** Counts what another one has counted, too. */
  merge({ buckets, sumMs, maxMs }: LatencyCounts): void {
    for (const [at, count] of buckets) {
      this.#buckets[at] = this.#buckets[at]! + count;
      this.#count += count;
    }
    this.#sumMs += sumMs;
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  counts(): LatencyCounts {
    const all = Array.from(this.#buckets, (count, at) => [at, count] as const);
    return { buckets: all.filter(([, count]) => count > 0), sumMs: this.#sumMs, maxMs: this.#maxMs };
  }

  /**
   * Upper edge of the bucket in which `share` of the latencies are reached, never above the largest
   * one; 0 without any.
   */
  quantileMs(share: number): number {
    const wanted = share * this.#count;
    let seen = 0;
    for (let at = 0; at < this.#buckets.length; at++) {
      seen += this.#buckets[at]!;
      if (seen > 0 && seen >= wanted) return Math.min(this.#maxMs, edgeMs(at));
    }
    return this.#maxMs;
  }

  summary(): LatencySummary {
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? 0 : this.#sumMs / this.#count,
      p50Ms: this.quantileMs(0.5),
      p90Ms: this.quantileMs(0.9),
      p99Ms: this.quantileMs(0.99),
      maxMs: this.#maxMs,
    };
  }
}

function bucketOf(latencyMs: number): number {
  const us = latencyMs * 1_000;
  if (us <= 1) return 0;
  return Math.min(STEPS * DOUBLINGS - 1, Math.floor(Math.log2(us) * STEPS));
}

function edgeMs(bucket: number): number {
  return 2 ** ((bucket + 1) / STEPS) / 1_000;
}
