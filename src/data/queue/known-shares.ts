import type { CountedShare } from "./record.ts";

/** So many are known of each signal: 520 KB, if there are as many. */
const SLOTS = 4_096;

/**
 * Shares of parcels, by rule and how many points they have. They are data that nobody changes, and
 * senders repeat themselves: so a parcel that waits needs 110 bytes less, mostly. Each has one
 * slot, which is that of the last one that came. With 10,000 rules what is looked at here is in no
 * near cache of the processor's: hence both numbers stand together, and no list is between.
 */
export class KnownShares {
  /** By slot: rule, points. */
  readonly #keys = new Int32Array(2 * SLOTS).fill(-1);
  readonly #shares: (CountedShare | undefined)[] = [];

  constructor() {
    this.#shares.length = SLOTS;
  }

  /** `rule`: its index in the plan. */
  find(rule: number, points: number): CountedShare | undefined {
    const slot = slotOf(rule, points);
    const isIt = this.#keys[2 * slot] === rule && this.#keys[2 * slot + 1] === points;
    return isIt ? this.#shares[slot] : undefined;
  }

  keep(rule: number, points: number, share: CountedShare): void {
    const slot = slotOf(rule, points);
    this.#keys[2 * slot] = rule;
    this.#keys[2 * slot + 1] = points;
    this.#shares[slot] = share;
  }
}

/** The golden ratio of 2^32: neighbours, and each tenth rule, come to stand far from each other. */
const SPREAD = 0x9e_37_79_b1;

/** The upper 12 bits. */
function slotOf(rule: number, points: number): number {
  return Math.imul(Math.imul(rule, 4_099) + points, SPREAD) >>> 20;
}
