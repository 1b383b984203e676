import type { Cancel, Clock } from "./clock.ts";

/** A clock that stands still until it is told to go on. */
export interface SteppedClock extends Clock {
  /** Moves on, and runs what falls due on the way, in order; each call sees its own time. */
  step(ms: number): void;
}

/** Begins at 0, for people on 2000-01-01: what depends on it is the same on every run. */
export function createSteppedClock(): SteppedClock {
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 0;
  const nextUntil = (endMs: number): { readonly atMs: number; readonly run: () => void } | undefined => {
    let next: { readonly atMs: number; readonly run: () => void } | undefined;
    for (const timer of timers) if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    return next;
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => START_WALL_MS + nowMs,
    after(delayMs, run): Cancel {
      const timer = { atMs: nowMs + Math.max(0, delayMs), run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    step(ms) {
      const endMs = nowMs + ms;
      for (let timer = nextUntil(endMs); timer !== undefined; timer = nextUntil(endMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.run();
      }
      nowMs = endMs;
    },
  };
}

const START_WALL_MS = 946_684_800_000;
