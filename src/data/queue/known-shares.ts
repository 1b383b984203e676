import type { CountedShare } from "./record.ts";

/** So many are known of each signal: 520 KB, if there are as many. */
const SLOTS = 4_096;
/**
 * Places for what has one hash. With one, and a hash that set each tenth rule beside others, half
 * of the shares of 1,000 rules took each other's in turn, and were made anew for each request.
 */
const WAYS = 4;

/**
 * Shares of parcels, by rule and how many points they have. They are data that nobody changes, and
 * senders repeat themselves: so a parcel that waits needs 110 bytes less, mostly. Of those that
 * want the same places the last ones are there. With 10,000 rules what is looked at here is in no
 * near cache of the processor's: hence the numbers of all four stand together, and no list is
 * between.
 */
export class KnownShares {
  /** By slot: rule, points. */
  readonly #keys = new Int32Array(2 * SLOTS).fill(-1);
  readonly #shares: (CountedShare | undefined)[] = [];
  #turn = 0;

  constructor() {
    this.#shares.length = SLOTS;
  }

  /** `rule`: its index in the plan. */
  find(rule: number, points: number): CountedShare | undefined {
    const first = firstOf(rule, points);
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#keys[2 * slot] === rule && this.#keys[2 * slot + 1] === points) return this.#shares[slot];
    }
    return undefined;
  }

  /** What was not found just now. */
  keep(rule: number, points: number, share: CountedShare): void {
    const slot = this.#placeFor(firstOf(rule, points));
    this.#keys[2 * slot] = rule;
    this.#keys[2 * slot + 1] = points;
    this.#shares[slot] = share;
  }

  /** One that is free, else one of them in turn. */
  #placeFor(first: number): number {
    for (let slot = first; slot < first + WAYS; slot++) if (this.#keys[2 * slot] === -1) return slot;
    return first + (this.#turn++ & (WAYS - 1));
  }
}

/** The golden ratio of 2^32, which spreads neighbours and each tenth rule evenly; another one. */
const OF_RULES = 0x9e_37_79_b1;
const OF_POINTS = 0x85_eb_ca_6b;

/** The upper 10 bits, times four. */
function firstOf(rule: number, points: number): number {
  return WAYS * ((Math.imul(rule, OF_RULES) + Math.imul(points, OF_POINTS)) >>> 22);
}
