import type { Cancel, Clock } from "../../core/clock.ts";

/**
 * One timer for everything that waits for a time. One that is early enough is left alone: setting
 * timers costs.
 */
export class WakeTimer {
  readonly #clock: Clock;
  readonly #wake: () => void;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Infinity: nothing waits. */
  set(atMs: number): void {
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.stop();
    if (atMs === Infinity) return;
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.nowMs()), () => {
      this.#timer = undefined;
      this.#wake();
    });
    this.#timer = { atMs, cancel };
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
