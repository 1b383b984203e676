/**
 * How often something may happen: so many a second, with a burst of the same, and what was earned
 * on top.
 */
export class Allowance {
  readonly #perSecond: number;
  readonly #maxEarned: number;
  #left: number;
  #earned = 0;
  #sinceMs: number;

  /** `maxEarned`: what is earned and not used, at most. */
  constructor(perSecond: number, maxEarned: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#maxEarned = maxEarned;
    this.#left = perSecond;
    this.#sinceMs = nowMs;
  }

  /** The peer has a reason for so many more. */
  earn(times: number): void {
    this.#earned = Math.min(this.#maxEarned, this.#earned + times);
  }

  /** False when it happens too often. `times`: so many of it at once, which count only together. */
  take(nowMs: number, times = 1): boolean {
    if (this.#earned >= times) {
      this.#earned -= times;
      return true;
    }
    if (nowMs > this.#sinceMs) {
      const gained = ((nowMs - this.#sinceMs) * this.#perSecond) / 1_000;
      this.#left = Math.min(this.#perSecond, this.#left + gained);
      this.#sinceMs = nowMs;
    }
    if (this.#left < times) return false;
    this.#left -= times;
    return true;
  }
}
