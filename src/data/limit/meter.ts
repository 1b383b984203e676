const SECOND_MS = 1_000;
/**
 * Senders that were refused come again after two seconds at most, unless more than a second of the
 * limit is owed, which is asked for by itself: where nothing has come for longer it is no pause.
 */
export const PAUSE_MS = 2_250;

/** How many a second, by whole seconds. Nothing is allocated to count. */
export class Meter {
  total = 0;
  /** Where the second ends that counts now; 0: nothing has been counted. */
  #endMs = 0;
  #count = 0;
  #last = 0;
  #before = 0;
  /** When something was counted last. */
  #lastMs = Number.NEGATIVE_INFINITY;

  add(count: number, nowMs: number): void {
    if (nowMs >= this.#endMs) this.#turn(nowMs);
    this.#lastMs = nowMs;
    this.#count += count;
    this.total += count;
  }

  /** What was counted, and was not. */
  takeBack(count: number, nowMs: number): void {
    this.add(-count, nowMs);
  }

  /** Of the last whole second. */
  perSecond(nowMs: number): number {
    if (nowMs >= this.#endMs) this.#turn(nowMs);
    return Math.max(0, this.#last);
  }

  /**
   * Of the last two whole seconds and of the one that counts: what rises is told at once, and what
   * falls when it cannot be a pause only.
   */
  peak(nowMs: number): number {
    if (nowMs - this.#lastMs >= PAUSE_MS) return 0;
    if (nowMs >= this.#endMs) this.#turn(nowMs);
    return Math.max(0, this.#before, this.#last, this.#count);
  }

  #turn(nowMs: number): void {
    const over = Math.floor((nowMs - this.#endMs) / SECOND_MS);
    if (this.#endMs === 0 || over > 1) this.#last = this.#before = 0;
    else {
      this.#before = over === 1 ? this.#count : this.#last;
      this.#last = over === 1 ? 0 : this.#count;
    }
    this.#count = 0;
    this.#endMs = this.#endMs === 0 ? nowMs + SECOND_MS : this.#endMs + (over + 1) * SECOND_MS;
  }
}
