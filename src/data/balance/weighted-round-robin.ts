import { earliestDeadline } from "./earliest-deadline.ts";
import type { Picker } from "./picker.ts";
import { smoothWeighted } from "./smooth-weighted.ts";

/** Up to here every target is looked at for a pick, which gives the smoothest sequence. */
export const SMOOTH_TARGETS = 64;

/**
 * In turn by weight, over these targets of the pool (default: all). Items are what is shared:
 * batches of equal size give weights 5:1:1 the sequence a a b a c a a, and a large batch counts for
 * as many turns as it has items.
 */
export function weightedRoundRobin(size: number, members?: readonly number[]): Picker {
  const those = members ?? Array.from({ length: size }, (_, i) => i);
  return those.length <= SMOOTH_TARGETS ? smoothWeighted(size, those) : earliestDeadline(size);
}
