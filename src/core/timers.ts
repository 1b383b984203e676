import { LONGEST_TIMER_MS, type Cancel, type Clock } from "./clock.ts";
import { Heap, type HeapItem } from "./heap.ts";

/** Something that is to happen at a time. */
export interface Timer extends HeapItem {
  /** Called at its time or a little later, and never before; it is not set any more by then. */
  fire(nowMs: number): void;
}

/**
 * Many timers, one of the clock's: a heap, so that setting one later than all others, as a call's
 * timeout usually is, costs one comparison. A timer of the clock that is armed too early is left
 * so: it costs less than to arm it anew for every call.
 */
export class Timers<T extends Timer = Timer> {
  readonly #clock: Clock;
  readonly #leastMs: number;
  readonly #heap = new Heap<T>();
  #armedMs = Number.POSITIVE_INFINITY;
  #disarm: Cancel | undefined;
  readonly #onTimer = (): void => this.#fireDue();

  /** They fire so long after they are set at the soonest: however many there are, in few turns. */
  constructor(clock: Clock, leastMs = 0) {
    this.#clock = clock;
    this.#leastMs = leastMs;
  }

  /** Those that are set. */
  get size(): number {
    return this.#heap.size;
  }

  /** Sets a timer, or moves it, to when Clock.nowMs() is `dueMs`. */
  set(timer: T, dueMs: number): void {
    this.#heap.set(timer, dueMs);
    if (dueMs < this.#armedMs) this.#arm(dueMs);
  }

  /** Does nothing when it is not set. Without timers the clock has none, either. */
  clear(timer: T): void {
    if (this.#heap.remove(timer) && this.#heap.size === 0) this.#stop();
  }

  /** As that of a heap. */
  [Symbol.iterator](): Iterator<T> {
    return this.#heap[Symbol.iterator]();
  }

  #fireDue(): void {
    this.#disarm = undefined;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    for (let { first } = this.#heap; first !== undefined; { first } = this.#heap) {
      const dueMs = this.#heap.firstKey;
      if (dueMs > nowMs) {
        if (dueMs < this.#armedMs) this.#arm(dueMs);
        return;
      }
      this.clear(first);
      first.fire(nowMs);
    }
  }

  #arm(dueMs: number): void {
    const nowMs = this.#clock.nowMs();
    const atMs = Math.max(dueMs, nowMs + this.#leastMs);
    if (atMs >= this.#armedMs) return;
    this.#disarm?.();
    this.#armedMs = atMs;
    // One that is too early arms itself again.
    this.#disarm = this.#clock.after(Math.min(LONGEST_TIMER_MS, atMs - nowMs), this.#onTimer);
  }

  #stop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedMs = Number.POSITIVE_INFINITY;
  }
}
