import type { Cancel, Clock } from "../../core/clock.ts";

/** Something that is to happen at a time. The two numbers belong to the `Alarms` that it is set in. */
export interface Alarm {
  /** When, by Clock.nowMs(). */
  dueMs: number;
  /** Place in the heap; -1 while it is not set. */
  heapIndex: number;
  /** Called at `dueMs` or a little later, and never before; it is not set any more by then. */
  ring(nowMs: number): void;
}

/**
 * Many times, one timer: a heap, so that setting an alarm later than all others, as a call's timeout usually is, costs
 * one comparison. A timer that is armed too early is left so: it costs less than to arm it anew for every call.
 */
export class Alarms {
  readonly #clock: Clock;
  readonly #heap: Alarm[] = [];
  #armedMs = Number.POSITIVE_INFINITY;
  #disarm: Cancel | undefined;
  readonly #onTimer = (): void => this.#ring();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sets an alarm, or moves it. */
  set(alarm: Alarm, dueMs: number): void {
    if (alarm.heapIndex < 0) {
      alarm.heapIndex = this.#heap.length;
      this.#heap.push(alarm);
    }
    alarm.dueMs = dueMs;
    this.#sift(alarm);
    if (dueMs < this.#armedMs) this.#arm(dueMs);
  }

  /** Does nothing when it is not set. Without alarms there is no timer. */
  clear(alarm: Alarm): void {
    const at = alarm.heapIndex;
    if (at < 0) return;
    alarm.heapIndex = -1;
    const last = this.#heap.pop()!;
    if (last !== alarm) {
      last.heapIndex = at;
      this.#heap[at] = last;
      this.#sift(last);
    }
    if (this.#heap.length === 0) this.#stop();
  }

  #ring(): void {
    this.#disarm = undefined;
    this.#armedMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.nowMs();
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.dueMs > nowMs) {
        if (first.dueMs < this.#armedMs) this.#arm(first.dueMs);
        return;
      }
      this.clear(first);
      first.ring(nowMs);
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

  /** Puts an alarm whose time has changed into its place. */
  #sift(alarm: Alarm): void {
    const heap = this.#heap;
    let at = alarm.heapIndex;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!;
      if (parent.dueMs <= alarm.dueMs) break;
      this.#put(parent, at);
      at = (at - 1) >> 1;
    }
    for (let child = this.#earlierChild(at); child !== undefined; child = this.#earlierChild(at)) {
      if (child.dueMs >= alarm.dueMs) break;
      const next = child.heapIndex;
      this.#put(child, at);
      at = next;
    }
    this.#put(alarm, at);
  }

  #put(alarm: Alarm, at: number): void {
    this.#heap[at] = alarm;
    alarm.heapIndex = at;
  }

  #earlierChild(at: number): Alarm | undefined {
    const left = this.#heap[2 * at + 1];
    const right = this.#heap[2 * at + 2];
    return right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
  }
}

/** Node's timers take no longer delay; a timer that is too early arms itself again. */
const LONGEST_MS = 2_147_483_647;
