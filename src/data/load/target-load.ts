import { Unreachable } from "../../core/unreachable.ts";
import type { ReportedLoad } from "./reported-load.ts";

/** What a call took along, and Clock.nowMs() at which it left. */
export interface SentCall {
  readonly items: number;
  readonly bytes: number;
  readonly sentMs: number;
}

/**
 * How a call ended, as far as it tells of the target. `afterMs`: how long the target asked to be
 * left alone.
 */
export type CallEnd =
  | { readonly kind: "answered" }
  | { readonly kind: "failed" }
  | { readonly kind: "throttled"; readonly afterMs: number | undefined }
  /** Cancelled, or given up for a reason of the sender's: says nothing. */
  | { readonly kind: "neutral" };

/** After this time a measurement counts for a third of what it was. */
export const LATENCY_DECAY_MS = 10_000;
/**
 * A target that has a first call under way and never answered one is taken to be this slow (as by
 * linkerd).
 */
export const UNKNOWN_LATENCY_MS = 30;
/**
 * A call that failed counts as one that took at least this long, and twice what the target was
 * thought to take.
 */
const FAILURE_LATENCY_MS = 1_000;
/** No penalty goes above this. */
const MAX_PENALTY_MS = 10_000;
/** The last 20 calls or so decide the error rate. */
const ERROR_WEIGHT = 0.1;
/** What a target reported longer ago says nothing any more. */
const REPORT_LIFE_MS = 30_000;

/**
 * What is measured of one target: what is under way, latency, errors, and what it reports of
 * itself. Latency is a peak EWMA: it follows rises at once and falls slowly, and falls while
 * nothing is heard, so that a target that was slow once is tried again. Constant time and memory
 * for each call.
 */
export class TargetLoad {
  #inFlight = 0;
  #inFlightItems = 0;
  #inFlightBytes = 0;
  /** Of all that is under way, so that its mean age is known without a list. */
  #sentMsSum = 0;
  #peakMs = 0;
  #peakAtMs = 0;
  #errorRate = 0;
  #errorAtMs = 0;
  #measured = false;
  #reported: ReportedLoad | undefined;
  #reportedAtMs = 0;

  get inFlight(): number {
    return this.#inFlight;
  }

  get inFlightItems(): number {
    return this.#inFlightItems;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  /** A call has told something. */
  get measured(): boolean {
    return this.#measured;
  }

  /** Smoothed share of the last calls that failed or were throttled, 0 to 1. */
  get errorRate(): number {
    return this.#errorRate;
  }

  sent(items: number, bytes: number, nowMs: number): void {
    this.#inFlight++;
    this.#inFlightItems += items;
    this.#inFlightBytes += bytes;
    this.#sentMsSum += nowMs;
  }

  /** Once for each `sent`, with what was sent then. */
  ended(call: SentCall, end: CallEnd, nowMs: number): void {
    this.#inFlight--;
    this.#inFlightItems -= call.items;
    this.#inFlightBytes -= call.bytes;
    this.#sentMsSum = this.#inFlight === 0 ? 0 : this.#sentMsSum - call.sentMs;
    const tookMs = nowMs - call.sentMs;
    switch (end.kind) {
      case "answered":
        this.#observe(tookMs, nowMs);
        return this.#count(0, nowMs);
      case "failed":
        this.#observe(this.#penaltyMs(tookMs, 0, nowMs), nowMs);
        return this.#count(1, nowMs);
      case "throttled":
        this.#observe(this.#penaltyMs(tookMs, end.afterMs ?? 0, nowMs), nowMs);
        return this.#count(1, nowMs);
      case "neutral":
        return;
      default:
        throw new Unreachable(end satisfies never);
    }
  }

  /**
   * It comes back from an outage: what was measured before and during that says nothing of what it
   * is now.
   */
  forget(): void {
    this.#peakMs = 0;
    this.#errorRate = 0;
    this.#measured = false;
    this.#reported = undefined;
  }

  /** What the target said of itself in an answer. */
  report(reported: ReportedLoad, nowMs: number): void {
    this.#reported = reported;
    this.#reportedAtMs = nowMs;
  }

  /** The newest report, while it is not stale. */
  reported(nowMs: number): ReportedLoad | undefined {
    return nowMs - this.#reportedAtMs <= REPORT_LIFE_MS ? this.#reported : undefined;
  }

  /**
   * Peak EWMA, and never less than the mean age of what is under way; 0 for a target of which
   * nothing is known.
   */
  latencyMs(nowMs: number): number {
    const knownMs = this.#peakMs * Math.exp((this.#peakAtMs - nowMs) / LATENCY_DECAY_MS);
    if (this.#inFlight === 0) return knownMs;
    const ageMs = nowMs - this.#sentMsSum / this.#inFlight;
    return Math.max(knownMs, ageMs, this.#measured ? 0 : UNKNOWN_LATENCY_MS);
  }

  /**
   * Grows with the latency, and stays in order with the ranks of other targets while time passes:
   * all latencies decay alike, so that ranks from different moments can be compared. -Infinity when
   * nothing is known.
   */
  latencyRank(nowMs: number): number {
    return Math.log(this.latencyMs(nowMs)) + nowMs / LATENCY_DECAY_MS;
  }

  /**
   * How loaded it is, 0 (idle) to 1: the larger one of what is under way of `windowSize` calls and
   * of what the target reports, and on top of that its error rate, which is forgotten while nothing
   * is sent.
   */
  score(nowMs: number, windowSize: number): number {
    const own = Math.min(1, this.#inFlight / Math.max(1, windowSize));
    const busy = Math.max(own, this.reported(nowMs)?.utilisation ?? 0);
    const errors = this.#errorRate * Math.exp((this.#errorAtMs - nowMs) / LATENCY_DECAY_MS);
    return 1 - (1 - busy) * (1 - errors);
  }

  #observe(sampleMs: number, nowMs: number): void {
    const kept = Math.exp((this.#peakAtMs - nowMs) / LATENCY_DECAY_MS);
    const knownMs = this.#peakMs * kept;
    this.#peakMs = sampleMs > knownMs ? sampleMs : knownMs + sampleMs * (1 - kept);
    this.#peakAtMs = nowMs;
    this.#measured = true;
  }

  /** A fast "no" must not look like a fast answer. */
  #penaltyMs(tookMs: number, askedMs: number, nowMs: number): number {
    const twiceMs = 2 * this.#peakMs * Math.exp((this.#peakAtMs - nowMs) / LATENCY_DECAY_MS);
    return Math.max(tookMs, Math.min(MAX_PENALTY_MS, Math.max(FAILURE_LATENCY_MS, askedMs, twiceMs)));
  }

  #count(failed: 0 | 1, nowMs: number): void {
    this.#errorRate += ERROR_WEIGHT * (failed - this.#errorRate);
    this.#errorAtMs = nowMs;
  }
}
