import type { CountedShare } from "./record.ts";

/** So many are known of each signal: 520 KB, if there are as many. */
const SLOTS = 4_096;

/**
 * Shares of parcels that are of one rule, as most are, by that and how many points they have. They
 * are data that nobody changes, and senders repeat themselves: so a parcel that waits needs 110
 * bytes less, mostly. Each has one slot, which is that of the last one that came.
 */
export class KnownShares {
  readonly #rules = new Int32Array(SLOTS).fill(-1);
  readonly #points = new Int32Array(SLOTS);
  readonly #shares: (readonly CountedShare[] | undefined)[] = [];

  constructor() {
    this.#shares.length = SLOTS;
  }

  /** `rule`: its index in the plan. */
  find(rule: number, points: number): readonly CountedShare[] | undefined {
    const slot = slotOf(rule, points);
    return this.#rules[slot] === rule && this.#points[slot] === points ? this.#shares[slot] : undefined;
  }

  keep(rule: number, points: number, shares: readonly CountedShare[]): void {
    const slot = slotOf(rule, points);
    this.#rules[slot] = rule;
    this.#points[slot] = points;
    this.#shares[slot] = shares;
  }
}

/** The golden ratio of 2^32: neighbours, and each tenth rule, come to stand far from each other. */
const SPREAD = 0x9e_37_79_b1;

/** The upper 12 bits. */
function slotOf(rule: number, points: number): number {
  return Math.imul(Math.imul(rule, 4_099) + points, SPREAD) >>> 20;
}
