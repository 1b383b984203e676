import { textBrief } from "../../core/bytes.ts";

/** Keys are divided in so many slots. A prime, 2^16 + 1. */
export const SLOTS = 65_537;

/**
 * The order in which one target would like to have the slots: a permutation that depends on its id
 * alone. Rendezvous gives a slot to the target that ranks it first; Maglev lets targets take turns
 * in these same orders. So both agree but for a few slots, and one target more than rendezvous can
 * carry does not move all keys.
 */
export interface SlotOrder {
  /** 0 is wanted most. */
  rankOf(slot: number): number;
  /** The inverse. */
  slotAt(rank: number): number;
}

/**
 * Rank = b (slot + a)^3 + c: cubing is a bijection modulo this prime, and not linear, so that no
 * two orders run in parallel.
 */
export function openSlotOrder(id: string): SlotOrder {
  const a = hashText(`a ${id}`) % SLOTS;
  const b = 1 + (hashText(`b ${id}`) % (SLOTS - 1));
  const c = hashText(`c ${id}`) % SLOTS;
  const inverse = power(b, SLOTS - 2);
  return {
    rankOf(slot) {
      const x = (slot + a) % SLOTS;
      return (times(b, times(x, times(x, x))) + c) % SLOTS;
    },
    slotAt(rank) {
      const cube = times(inverse, (rank - c + SLOTS) % SLOTS);
      return (cubeRoots()[cube]! - a + SLOTS) % SLOTS;
    },
  };
}

/** Product modulo 2^16 + 1, of which 2^16 is -1: no division. */
function times(x: number, y: number): number {
  if (x === 65_536) return (SLOTS - y) % SLOTS;
  if (y === 65_536) return (SLOTS - x) % SLOTS;
  const product = Math.imul(x, y) >>> 0;
  const rest = (product & 0xffff) - (product >>> 16);
  return rest < 0 ? rest + SLOTS : rest;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let factor = base, left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = times(result, factor);
    factor = times(factor, factor);
  }
  return result;
}

let roots: Int32Array | undefined;

/** A constant of arithmetic, worked out when first asked for. */
function cubeRoots(): Int32Array {
  if (roots === undefined) {
    roots = new Int32Array(SLOTS);
    for (let x = 0; x < SLOTS; x++) roots[times(x, times(x, x))] = x;
  }
  return roots;
}

/**
 * FNV-1a over the UTF-8 bytes of a text, mixed. No seed: the same on every node. Unsigned 32 bits.
 */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of textBrief(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return mix(hash);
}

/** Spreads each bit over all 32 (the end of MurmurHash3): a bijection. */
export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/**
 * Which target owns each slot: targets take turns, in proportion to their weights, and each takes
 * the slot it likes best of those that are left (Eisenbud et al., Maglev, NSDI 2016, section 3.4).
 * `orders` and `weights` are in the order of the ids, at least one weight is positive. Takes about
 * 30 ms for 1,000 targets.
 */
export function fillSlots(orders: readonly SlotOrder[], weights: Float64Array): Int32Array {
  const slots = new Int32Array(SLOTS).fill(-1);
  const heaviest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  const earned = new Float64Array(orders.length);
  const next = new Int32Array(orders.length);
  for (let left = SLOTS; left > 0; ) {
    for (let i = 0; i < orders.length && left > 0; i++) {
      earned[i]! += weights[i]! / heaviest; // the heaviest has a turn in every round
      if (earned[i]! < 1) continue;
      earned[i]! -= 1;
      let slot = orders[i]!.slotAt(next[i]!++);
      while (slots[slot]! >= 0) slot = orders[i]!.slotAt(next[i]!++);
      slots[slot] = i;
      left--;
    }
  }
  return slots;
}
