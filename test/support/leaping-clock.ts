import { type Cancel, type Clock, systemClock } from "../../src/core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly run: () => void;
}

/**
 * The machine's clock, and on top of it the time that a test lets pass at once: for nodes on real
 * sockets that would have to wait for long. Other processes and threads do not have it.
 */
export class LeapingClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return systemClock.nowMs() + this.#aheadMs;
  }

  wallMs(): number {
    return systemClock.wallMs() + this.#aheadMs;
  }

  /** Runs by itself after its delay, or sooner by a leap. */
  after(delayMs: number, run: () => void): Cancel {
    const timer: Timer = {
      dueMs: this.nowMs() + delayMs,
      run: () => {
        cancel();
        run();
      },
    };
    const cancelSystem = systemClock.after(delayMs, timer.run);
    const cancel = (): void => {
      cancelSystem();
      this.#timers.delete(timer);
    };
    this.#timers.add(timer);
    return cancel;
  }

  /** Runs what is due by then, in the order of its times; what that begins waits for the next. */
  leap(ms: number): void {
    this.#aheadMs += ms;
    const nowMs = this.nowMs();
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= nowMs).toSorted((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) if (this.#timers.has(timer)) timer.run();
  }
}
