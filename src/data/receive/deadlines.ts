import { Bag, type BagItem } from "../../core/bag.ts";
import type { Cancel, Clock } from "../../core/clock.ts";

export interface Expiring extends BagItem {
  /** Clock.nowMs() after which `expire` is called, once, unless it was forgotten before. */
  readonly deadlineMs: number;
  expire(): void;
  /** It holds up others more than it should, when there are any who wait. */
  isSlow(nowMs: number): boolean;
  /** Ends it for their sake: called at most once, and instead of `expire`. */
  evict(): void;
}

/**
 * Watches the deadlines of all requests under way: never early, and late by a few milliseconds.
 * While others are refused, those that are slow are ended, too.
 */
export interface Deadlines {
  watch(entry: Expiring): void;
  forget(entry: Expiring): void;
}

/**
 * An answer leaves so much before its sender gives up: a tenth of the time that the sender told,
 * and no more than this.
 */
const MARGIN_MS = 500;
const MARGIN_SHARE = 0.1;

/**
 * How long the work for a sender may take that gives up after `senderMs`: the answer still has to
 * get there.
 */
export function answerWithinMs(senderMs: number): number {
  return senderMs - Math.min(MARGIN_MS, senderMs * MARGIN_SHARE);
}

/**
 * One timer for all requests instead of one for each: senders choose their timeouts, so nearly
 * every request would have a timer list of its own in Node. The tick walks only what is under way,
 * which admission bounds. It comes sooner for a deadline that is nearer, but never more often than
 * each `LEAST_TICK_MS`.
 */
const TICK_MS = 100;
const LEAST_TICK_MS = 5;

/** `refusedMs`: when somebody was last refused for want of room. */
export function createDeadlines(clock: Clock, refusedMs: () => number): Deadlines {
  return new TickingDeadlines(clock, refusedMs);
}

class TickingDeadlines implements Deadlines {
  readonly #clock: Clock;
  readonly #refusedMs: () => number;
  readonly #entries = new Bag<Expiring>();
  #cancel: Cancel | undefined;
  #tickAtMs = Infinity;
  #lastMs = 0;

  constructor(clock: Clock, refusedMs: () => number) {
    this.#clock = clock;
    this.#refusedMs = refusedMs;
  }

  watch(entry: Expiring): void {
    this.#entries.add(entry);
    if (this.#cancel !== undefined && entry.deadlineMs >= this.#tickAtMs) return;
    const nowMs = this.#clock.nowMs();
    if (this.#cancel === undefined) this.#lastMs = nowMs;
    this.#tickBy(entry.deadlineMs, nowMs);
  }

  forget(entry: Expiring): void {
    this.#entries.delete(entry);
  }

  #tickBy(deadlineMs: number, nowMs: number): void {
    const atMs = Math.min(nowMs + TICK_MS, Math.max(deadlineMs, nowMs + LEAST_TICK_MS));
    if (this.#cancel !== undefined && atMs >= this.#tickAtMs) return;
    this.#cancel?.();
    this.#tickAtMs = atMs;
    this.#cancel = this.#clock.after(atMs - nowMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#clock.nowMs();
    const pressed = this.#refusedMs() >= this.#lastMs;
    this.#lastMs = nowMs;
    this.#cancel = undefined;
    let nearestMs = Infinity;
    this.#entries.forEach((entry) => {
      const late = entry.deadlineMs <= nowMs;
      if (!late && !(pressed && entry.isSlow(nowMs))) {
        nearestMs = Math.min(nearestMs, entry.deadlineMs);
        return;
      }
      this.#entries.delete(entry);
      if (late) entry.expire();
      else entry.evict();
    });
    if (this.#entries.size > 0) this.#tickBy(nearestMs, nowMs);
  }
}
