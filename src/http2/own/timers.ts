import type { Cancel, Clock } from "../../core/clock.ts";

/**
 * Something that is to happen at a time. The two numbers belong to the `Timers` that it is set in.
 */
export interface Timer {
  /** When, by Clock.nowMs(). */
  dueMs: number;
  /** Place in the heap; -1 while it is not set. */
  heapIndex: number;
  /** Called at `dueMs` or a little later, and never before; it is not set any more by then. */
  fire(nowMs: number): void;
}

/**
 * Many timers, one of the clock's: a heap, so that setting one later than all others, as a call's
 * timeout usually is, costs one comparison. A timer of the clock that is armed too early is left
 * so: it costs less than to arm it anew for every call.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #heap: Timer[] = [];
  #armedMs = Number.POSITIVE_INFINITY;
  #disarm: Cancel | undefined;
  readonly #onTimer = (): void => this.#fireDue();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets a timer, or moves it. */
  set(timer: Timer, dueMs: number): void {
    if (timer.heapIndex < 0) {
      timer.heapIndex = this.#heap.length;
      this.#heap.push(timer);
    }
    timer.dueMs = dueMs;
    this.#sift(timer);
    if (dueMs < this.#armedMs) this.#arm(dueMs);
  }

  /** Does nothing when it is not set. Without timers the clock has none, either. */
  clear(timer: Timer): void {
    const at = timer.heapIndex;
    if (at < 0) return;
    timer.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last !== timer) {
      last.heapIndex = at;
      this.#heap[at] = last;
      this.#sift(last);
    }
    if (this.#heap.length === 0) this.#stop();
  }

  #fireDue(): void {
    this.#disarm = undefined;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.dueMs > nowMs) {
        if (first.dueMs < this.#armedMs) this.#arm(first.dueMs);
        return;
      }
      this.clear(first);
      first.fire(nowMs);
    }
  }

  #arm(dueMs: number): void {
    this.#disarm?.();
    this.#armedMs = dueMs;
    const delayMs = Math.min(LONGEST_MS, Math.max(0, dueMs - this.#clock.nowMs()));
    this.#disarm = this.#clock.after(delayMs, this.#onTimer);
  }

  #stop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#armedMs = Number.POSITIVE_INFINITY;
  }

  /** Puts a timer whose time has changed into its place. */
  #sift(timer: Timer): void {
    const heap = this.#heap;
    let at = timer.heapIndex;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!;
      if (parent.dueMs <= timer.dueMs) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    for (let child = this.#earlierChild(at); child !== undefined; child = this.#earlierChild(at)) {
      if (child.dueMs >= timer.dueMs) break;
      const next = child.heapIndex;
      this.#put(child, at);
      at = next;
    }
    this.#put(timer, at);
  }

  #put(timer: Timer, at: number): void {
    this.#heap[at] = timer;
    timer.heapIndex = at;
  }

  #earlierChild(at: number): Timer | undefined {
    const left = this.#heap[2 * at + 1];
    const right = this.#heap[2 * at + 2];
    return right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
  }
}

/** Node's timers take no longer delay; a timer that is too early arms itself again. */
const LONGEST_MS = 2_147_483_647;
