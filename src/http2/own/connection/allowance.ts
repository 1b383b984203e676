/** What is earned and not used, at most: a burst that follows a burst of our own. */
const MAX_EARNED = 65_536;

/** How often something may happen: so many a second, with a burst of the same, and what was earned on top. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #earned = 0;
  #sinceMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#sinceMs = nowMs;
  }

  /** What the peer has a reason for: our own frames make it answer. */
  earn(times: number): void {
    this.#earned = Math.min(MAX_EARNED, this.#earned + times);
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
