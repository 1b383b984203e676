import { hashText } from "./mix.ts";

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
