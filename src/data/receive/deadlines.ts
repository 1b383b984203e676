import type { Clock } from "../../core/clock.ts";

export interface Expiring {
  /** Clock.nowMs() after which `expire` is called, once, unless it was forgotten before. */
  readonly deadlineMs: number;
  expire(): void;
}

/** Watches the deadlines of all requests under way. Late by at most one tick, never early. */
export interface Deadlines {
  watch(entry: Expiring): void;
  forget(entry: Expiring): void;
}

/**
 * One timer for all requests instead of one for each: senders choose their timeouts, so nearly every request would have a timer
 * list of its own in Node. The tick walks only what is under way, which admission bounds.
 */
const TICK_MS = 100;

export function createDeadlines(clock: Clock): Deadlines {
  const entries = new Set<Expiring>();
  let ticking = false;
  const tick = (): void => {
    const nowMs = clock.nowMs();
    for (const entry of entries) {
      if (entry.deadlineMs > nowMs) continue;
      entries.delete(entry);
      entry.expire();
    }
    ticking = entries.size > 0;
    if (ticking) clock.after(TICK_MS, tick);
  };
  return {
    watch(entry) {
      entries.add(entry);
      if (ticking) return;
      ticking = true;
      clock.after(TICK_MS, tick);
    },
    forget(entry) {
      entries.delete(entry);
    },
  };
}
