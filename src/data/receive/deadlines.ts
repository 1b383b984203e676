import { Bag, type BagItem } from "../../core/bag.ts";
import type { Clock } from "../../core/clock.ts";

export interface Expiring extends BagItem {
  /** Clock.nowMs() after which `expire` is called, once, unless it was forgotten before. */
  readonly deadlineMs: number;
  expire(): void;
  /** It holds up others more than it should, when there are any who wait. */
  isSlow(nowMs: number): boolean;
  /** Ends it for their sake: called at most once, and instead of `expire`. */
  giveWay(): void;
}

/**
 * Watches the deadlines of all requests under way: late by at most one tick, never early. While others are refused, those
 * that are slow are ended, too.
 */
export interface Deadlines {
  watch(entry: Expiring): void;
  forget(entry: Expiring): void;
}

/**
 * One timer for all requests instead of one for each: senders choose their timeouts, so nearly every request would have a timer
 * list of its own in Node. The tick walks only what is under way, which admission bounds.
 */
const TICK_MS = 100;

/** `refusedMs`: when somebody was last refused for want of room. */
export function createDeadlines(clock: Clock, refusedMs: () => number): Deadlines {
  const entries = new Bag<Expiring>();
  let ticking = false;
  let lastMs = 0;
  const tick = (): void => {
    const nowMs = clock.nowMs();
    const pressed = refusedMs() >= lastMs;
    lastMs = nowMs;
    entries.forEach((entry) => {
      const late = entry.deadlineMs <= nowMs;
      if (!late && !(pressed && entry.isSlow(nowMs))) return;
      entries.delete(entry);
      if (late) entry.expire();
      else entry.giveWay();
    });
    ticking = entries.size > 0;
    if (ticking) clock.after(TICK_MS, tick);
  };
  return {
    watch(entry) {
      entries.add(entry);
      if (ticking) return;
      ticking = true;
      lastMs = clock.nowMs();
      clock.after(TICK_MS, tick);
    },
    forget(entry) {
      entries.delete(entry);
    },
  };
}
