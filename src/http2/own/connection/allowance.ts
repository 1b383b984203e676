/** How often something may happen: so many a second, with a burst of the same, and what was earned on top. */
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

  /** False when it happens too often. */
  take(nowMs: number): boolean {
    if (this.#earned >= 1) {
      this.#earned--;
      return true;
    }
    if (nowMs > this.#sinceMs) {
      const gained = ((nowMs - this.#sinceMs) * this.#perSecond) / 1_000;
      this.#left = Math.min(this.#perSecond, this.#left + gained);
      this.#sinceMs = nowMs;
    }
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
