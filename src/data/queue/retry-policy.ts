import type { Random } from "../../core/random.ts";
import type { RetryPlan } from "../../plan/plan.ts";
import { Missed } from "../node-limits/node-limit.ts";

/** A pool may always make so many. */
export const RETRIES_A_SECOND = 10;
/** So much of the minimum is kept: an outage begins with all retries at once. */
const RESERVE_SECONDS = 10;

/**
 * How long to wait before the next try, after `retries` retries: exponential, with full jitter so
 * that nobody tries in step.
 */
export function backoffMs(retries: number, plan: RetryPlan, random: Random): number {
  return random.next() * Math.min(plan.maxMs, plan.initialMs * 2 ** Math.min(retries, 30));
}

/**
 * How many sends may be retries: a share of all sends, and at least so many a second. Keeps a pool
 * from multiplying the load of targets that already fail. A token bucket. `perSecond`: this
 * process's part of those that the node may make in any case.
 */
export class RetryBudget {
  #perSecond: number;
  #tokens: number;
  #filledMs: number;
  /** Retries that were made, and those that were not, since somebody asked. */
  #made = 0;
  readonly #missed = new Missed();
  #askedMs: number;

  constructor(nowMs: number, perSecond = RETRIES_A_SECOND) {
    this.#perSecond = perSecond;
    this.#tokens = RESERVE_SECONDS * perSecond;
    this.#filledMs = nowMs;
    this.#askedMs = nowMs;
  }

  /** What was saved beyond the reserve of fewer is lost. */
  adopt(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return;
    this.#fill(nowMs);
    this.#perSecond = perSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens);
  }

  /** One send that is not a retry; `share` of a retry may follow. */
  earn(share: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + share);
  }

  /** Whether one more retry may be made; it is counted when it may. */
  take(nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens < 1) {
      this.#missed.add(1);
      return false;
    }
    this.#tokens--;
    this.#made++;
    return true;
  }

  /** Retries a second since it was asked last, and those a second that could not be made. */
  takeUse(nowMs: number): { readonly used: number; readonly wanted: number } {
    const seconds = Math.max(0.001, (nowMs - this.#askedMs) / 1_000);
    const use = { used: Math.ceil(this.#made / seconds), wanted: Math.ceil(this.#missed.take() / seconds) };
    this.#made = 0;
    this.#askedMs = nowMs;
    return use;
  }

  /** Who has no part keeps what it earns of one. */
  get #capacity(): number {
    return Math.max(1, RESERVE_SECONDS * this.#perSecond);
  }

  #fill(nowMs: number): void {
    const filled = this.#tokens + ((nowMs - this.#filledMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#capacity, filled);
    this.#filledMs = nowMs;
  }
}
