/** A guard looks back over so much time, */
const GUARD_WINDOW_MS = 1_000;
/** in so many parts. */
const SLOTS = 10;
const SLOT_MS = GUARD_WINDOW_MS / SLOTS;
/** A node may keep so many times what was predicted for it, */
const BOUND_FACTOR = 2;
/** and so many items a second at any time. */
export const GUARD_LEAST_PER_SECOND = 100;
/** However much came before, some of what can be sampled is kept: its counts stay of use. */
const LEAST_PART = 0.02;

/** What a node may keep between two directives, as it is told to its guard. */
export interface GuardBound {
  readonly keptPerSecond: number;
  /** The highest rate of what is not protected. */
  readonly highestRate: number;
}

/**
 * Between directives nobody but the node itself sees that more comes: over any second it keeps no
 * more than its bound, by a rate for all that is not protected. It only lowers rates, and what it
 * does is written into what is kept. Time is an argument; nothing is allocated once it is made.
 */
export class SamplingGuard {
  #perSecond = Number.POSITIVE_INFINITY;
  #highestRate = 1;
  /** Kept in each of the last parts of the window; the newest is at `#slot`. */
  readonly #kept = new Float64Array(SLOTS);
  #slot = 0;
  #slotStartMs = Number.NEGATIVE_INFINITY;
  /** Kept in all of them but the newest. */
  #before = 0;
  #keptProtected = 0;
  /** What would be kept of what is not protected at a rate of 1, as far as the rate shows. */
  #demand = 0;
  /** Of what is not protected, in the newest part. */
  #limit = Number.POSITIVE_INFINITY;
  #rate = 1;

  /** Whether it lowers anything now. */
  get isGuarding(): boolean {
    return this.#rate < 1;
  }

  /** From the next part of the window on. */
  setBound({ keptPerSecond, highestRate }: GuardBound): void {
    this.#perSecond = keptPerSecond;
    this.#highestRate = highestRate;
    if (this.#rate > highestRate) this.#rate = 1;
  }

  /** The highest rate of what is not protected; 1: whatever the directive says. */
  rateAt(nowMs: number): number {
    if (nowMs - this.#slotStartMs >= SLOT_MS) this.#turn(nowMs);
    return this.#rate;
  }

  /** After sampling at the rate that was told last. */
  kept(unprotectedItems: number, protectedItems: number): void {
    this.#kept[this.#slot]! += unprotectedItems + protectedItems;
    this.#keptProtected += protectedItems;
    this.#demand += unprotectedItems / Math.min(this.#rate, this.#highestRate);
    const unprotected = this.#kept[this.#slot]! - this.#keptProtected;
    if (unprotected > this.#limit) this.#tighten(unprotected);
  }

  /** In mid-part: half the rate, and a quarter of a part more at that. */
  #tighten(unprotected: number): void {
    this.#limit = unprotected + this.#perSecond / SLOTS / 4;
    const from = Math.min(this.#rate, this.#highestRate);
    this.#rate = Math.max(from / 2, this.#highestRate * 1e-6);
  }

  #turn(nowMs: number): void {
    const passed = Math.floor((nowMs - this.#slotStartMs) / SLOT_MS);
    const isFresh = passed > 1;
    for (let i = 0; i < Math.min(passed, SLOTS); i++) {
      this.#slot = (this.#slot + 1) % SLOTS;
      this.#kept[this.#slot] = 0;
    }
    this.#slotStartMs = passed > SLOTS || passed < 0 ? nowMs : this.#slotStartMs + passed * SLOT_MS;
    this.#before = 0;
    for (let i = 0; i < SLOTS; i++) this.#before += this.#kept[i]!;
    this.#aim(isFresh);
    this.#keptProtected = 0;
    this.#demand = 0;
  }

  /** How much of the next part may be filled, and the rate that fills it. */
  #aim(isFresh: boolean): void {
    const part = this.#perSecond / SLOTS;
    const least = part * LEAST_PART;
    const remaining = this.#perSecond - this.#before - this.#keptProtected;
    if (this.#rate >= 1) {
      this.#limit = Math.max(remaining, least);
      return;
    }
    const allowed = Math.max(least, Math.min(remaining, part - this.#keptProtected));
    const found = this.#demand > 0 && !isFresh ? allowed / this.#demand : 2 * this.#rate;
    // Few items say little: it opens by steps.
    this.#rate = Math.min(found, 2 * this.#rate);
    if (this.#rate >= this.#highestRate) this.#rate = 1;
    this.#limit = Math.max(Math.min(remaining, 1.5 * part - this.#keptProtected), least);
  }
}

/** From what the last directive predicted for it; undefined: nothing did. */
export function guardedPerSecond(predictedPerSecond: number | undefined): number {
  return Math.max(GUARD_LEAST_PER_SECOND, BOUND_FACTOR * (predictedPerSecond ?? 0));
}
