import type { Cancel, Clock } from "../../src/core/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * A clock moved by hand. Timers run from within `advance`, in the order of their times, never by
 * themselves.
 */
export class ManualClock implements Clock {
  #nowMs = 0;
  #order = 0;
  /** So much time passes whenever somebody looks. */
  tickMs = 0;
  #startWallMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startWallMs = 1_750_000_000_000) {
    this.#startWallMs = startWallMs;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    this.#nowMs += this.tickMs;
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }

  /** Somebody sets the wall clock; the time that passes is the same. */
  stepWall(ms: number): void {
    this.#startWallMs += ms;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /**
   * Moves the time on and runs what falls due, also what is scheduled on the way. Each timer sees
   * its own time.
   */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#next(endMs); timer !== undefined; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.run();
    }
    this.#nowMs = endMs;
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}
