/** What a node may let in: a rate, and what it may let in at once. */
export interface BucketShare {
  readonly perSecond: number;
  readonly burst: number;
  /** By the clock of whoever asks; then the next one counts, from the first on. */
  readonly untilMs: number;
}

const NOTHING: BucketShare = { perSecond: 0, burst: 0, untilMs: Number.POSITIVE_INFINITY };

/**
 * A token bucket with one debt: while there is a token a request of any size is let in, and what it
 * takes too much has to be there again before the next one. It is filled to the end of each share
 * and no further; a larger share brings room, and no tokens, since somebody else has had them.
 * Time is an argument; nothing is allocated per request.
 */
export class DebtBucket {
  /** One after the other, each until its end: a lease, then what is left without one. */
  #shares: readonly BucketShare[];
  #tokens: number;
  #atMs: number;

  /** `tokens`: to begin with; a bucket for a whole limit begins full. */
  constructor(nowMs: number, shares: readonly BucketShare[] = [], tokens = 0) {
    this.#atMs = nowMs;
    this.#shares = shares;
    this.#tokens = tokens;
  }

  /** From now on. */
  setShares(shares: readonly BucketShare[], nowMs: number): void {
    this.#fill(nowMs);
    this.#shares = shares;
  }

  tokensAt(nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens;
  }

  /** Whether a request would be let in. */
  isOpen(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens > 0;
  }

  /** It holds all that it may: one that is made anew would hold no more. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= this.#current(nowMs).burst;
  }

  /** What it may let in a second. */
  perSecondAt(nowMs: number): number {
    return this.#current(nowMs).perSecond;
  }

  /** False: refused, and nothing is taken. */
  take(cost: number, nowMs: number): boolean {
    this.#fill(nowMs);
    if (this.#tokens <= 0) return false;
    this.#tokens -= cost;
    return true;
  }

  /** What was let in has been refused afterwards. */
  giveBack(cost: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens = Math.min(this.#tokens + cost, this.#current(nowMs).burst);
  }

  /** Until a request is let in at the present rate; Infinity: not before the share is another. */
  waitMs(nowMs: number): number {
    return this.waitMsAt(this.#current(nowMs).perSecond, nowMs);
  }

  /** The same at another rate. */
  waitMsAt(perSecond: number, nowMs: number): number {
    this.#fill(nowMs);
    return this.#tokens > 0 ? 0 : (1 - this.#tokens) / (perSecond / 1_000);
  }

  #current(nowMs: number): BucketShare {
    for (const share of this.#shares) if (nowMs < share.untilMs) return share;
    return NOTHING;
  }

  #fill(nowMs: number): void {
    // Steps over the ends of shares; most calls are within one.
    while (this.#atMs < nowMs) {
      const { perSecond, burst, untilMs } = this.#current(this.#atMs);
      const toMs = Math.min(nowMs, untilMs);
      this.#tokens = Math.min(burst, this.#tokens + (perSecond * (toMs - this.#atMs)) / 1_000);
      this.#atMs = toMs;
    }
    const { burst } = this.#current(this.#atMs);
    if (this.#tokens > burst) this.#tokens = burst;
  }
}
