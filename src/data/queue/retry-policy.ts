import type { Random } from "../../core/random.ts";
import type { RetryPlan } from "../../plan/plan.ts";

const MIN_PER_SECOND = 10;
/** Ten seconds of the minimum: an outage begins with all retries at once. */
const CAPACITY = 100;

/**
 * How long to wait before the next try, after `retries` retries: exponential, with full jitter so
 * that nobody tries in step.
 */
export function backoffMs(retries: number, plan: RetryPlan, random: Random): number {
  return random.next() * Math.min(plan.maxMs, plan.initialMs * 2 ** Math.min(retries, 30));
}

/**
 * How many sends may be retries: a share of all sends, and at least 10 a second. Keeps a pool from
 * multiplying the load of targets that already fail. A token bucket.
 */
export class RetryBudget {
  #tokens = CAPACITY;
  #filledMs: number;

  constructor(nowMs: number) {
    this.#filledMs = nowMs;
  }

  /** One send that is not a retry; `share` of a retry may follow. */
  earn(share: number): void {
    this.#tokens = Math.min(CAPACITY, this.#tokens + share);
  }

  /** Whether one more retry may be made; it is counted when it may. */
  take(nowMs: number): boolean {
    const filled = this.#tokens + ((nowMs - this.#filledMs) / 1_000) * MIN_PER_SECOND;
    this.#tokens = Math.min(CAPACITY, filled);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
