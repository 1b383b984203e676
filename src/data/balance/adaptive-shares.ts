import type { TargetSource } from "./target-source.ts";

/** A loaded target keeps at least this share of its weight. */
const LEAST = 0.1;
/**
 * Shares follow the load within a few times this time, so that what they cause does not make them
 * swing.
 */
const SMOOTHING_MS = 5_000;

/**
 * How much of its weight each target gets because of its load, 0.1 to 1: for pools with
 * `adaptive_weights`.
 */
export class AdaptiveShares {
  readonly #shares: Float64Array;
  readonly #atMs: Float64Array;

  constructor(size: number) {
    this.#shares = new Float64Array(size).fill(1);
    this.#atMs = new Float64Array(size).fill(-1);
  }

  copy(): AdaptiveShares {
    const copy = new AdaptiveShares(this.#shares.length);
    copy.#shares.set(this.#shares);
    copy.#atMs.set(this.#atMs);
    return copy;
  }

  /** 1 - 0.9 times the load score, smoothed over time. */
  shareOf(index: number, target: TargetSource, nowMs: number): number {
    const wanted = 1 - (1 - LEAST) * target.load.score(nowMs, target.windowSize);
    const share = this.#shares[index]!;
    const atMs = this.#atMs[index]!;
    const followed = atMs < 0 ? 1 : 1 - Math.exp((atMs - nowMs) / SMOOTHING_MS);
    this.#atMs[index] = nowMs;
    this.#shares[index] = share + followed * (wanted - share);
    return this.#shares[index];
  }
}
