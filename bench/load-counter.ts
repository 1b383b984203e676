import { LatencyHistogram } from "./latency.ts";
import type { CallOutcome } from "./load-connection.ts";
import type { LoadCounts } from "./messages.ts";

/** Counts and latencies of one window. */
export class LoadCounter {
  readonly #startMs: number;
  readonly #latency = new LatencyHistogram();
  readonly #refused = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  #sentRequests = 0;
  #sentItems = 0;
  #ackedRequests = 0;
  #ackedItems = 0;
  #partial = 0;
  #late = 0;
  #lostConnections = 0;

  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  sent(items: number, late: boolean): void {
    this.#sentRequests++;
    this.#sentItems += items;
    if (late) this.#late++;
  }

  lost(): void {
    this.#lostConnections++;
  }

  /** Latencies are of acknowledged calls: a quick refusal is no quick delivery. */
  ended(outcome: CallOutcome, items: number, latencyMs: number): void {
    if (outcome.kind === "acknowledged") {
      this.#latency.add(latencyMs);
      this.#ackedRequests++;
      this.#ackedItems += items;
      if (outcome.partial) this.#partial++;
    } else if (outcome.kind === "refused") {
      this.#refused.set(outcome.code, (this.#refused.get(outcome.code) ?? 0) + 1);
    } else this.#failed.set(outcome.why, (this.#failed.get(outcome.why) ?? 0) + 1);
  }

  counts(nowMs: number, unanswered: number): LoadCounts {
    return {
      durationMs: nowMs - this.#startMs,
      sentRequests: this.#sentRequests,
      sentItems: this.#sentItems,
      ackedRequests: this.#ackedRequests,
      ackedItems: this.#ackedItems,
      partial: this.#partial,
      refused: Object.fromEntries(this.#refused),
      failed: Object.fromEntries(this.#failed),
      late: this.#late,
      unanswered,
      lostConnections: this.#lostConnections,
      latency: this.#latency.summary(),
      latencies: this.#latency.counts(),
    };
  }
}
