import type { Clock } from "../../core/clock.ts";
import { type Timer, Timers } from "../../core/timers.ts";

export interface Expiring extends Timer {
  /** Clock.nowMs() from which on it fires, once, unless it was forgotten before. */
  readonly deadlineMs: number;
  /** It holds up others more than it should, when there are any who wait. */
  isSlow(nowMs: number): boolean;
  /** Ends it for their sake: called at most once, and instead of `fire`. */
  evict(): void;
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
 * every request would have a timer list of its own in Node. It comes no more often than each
 * `LEAST_MS`.
 */
const LEAST_MS = 5;
/** While there are requests, it is looked so often whether slow ones hold up others. */
const SWEEP_MS = 100;

/**
 * Watches the deadlines of all requests under way: never early, and late by a few milliseconds at
 * most. While others are refused, those that are slow are ended, too.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #refusedMs: () => number;
  readonly #timers: Timers<Expiring>;
  /** It is one of the timers, so that these are seldom none, and the clock's seldom changes. */
  readonly #sweep: Expiring = {
    heapIndex: -1,
    deadlineMs: Infinity,
    fire: (nowMs) => this.#sweepAt(nowMs),
    isSlow: () => false,
    evict: () => undefined,
  };
  #sweptMs = 0;

  /** `refusedMs`: when somebody was last refused for want of room, or made wait for it. */
  constructor(clock: Clock, refusedMs: () => number) {
    this.#clock = clock;
    this.#refusedMs = refusedMs;
    this.#timers = new Timers(clock, LEAST_MS);
  }

  watch(entry: Expiring): void {
    if (this.#sweep.heapIndex < 0) {
      this.#sweptMs = this.#clock.nowMs();
      this.#timers.set(this.#sweep, this.#sweptMs + SWEEP_MS);
    }
    this.#timers.set(entry, entry.deadlineMs);
  }

  forget(entry: Expiring): void {
    this.#timers.clear(entry);
  }

  /** Walks what is under way, which admission bounds, but only while others are refused. */
  #sweepAt(nowMs: number): void {
    const pressed = this.#refusedMs() >= this.#sweptMs;
    this.#sweptMs = nowMs;
    if (pressed) for (const entry of this.#timers) this.#evictSlow(entry, nowMs);
    if (this.#timers.size > 0) this.#timers.set(this.#sweep, nowMs + SWEEP_MS);
  }

  #evictSlow(entry: Expiring, nowMs: number): void {
    if (entry.deadlineMs <= nowMs || !entry.isSlow(nowMs)) return;
    this.#timers.clear(entry);
    entry.evict();
  }
}
