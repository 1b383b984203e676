import type { Random } from "../../core/random.ts";
import { effectiveWeight, type Picker, type PoolView } from "./picker.ts";

/** At random, by weight over what is eligible. */
export function weightedRandom(random: Random): Picker {
  return {
    pick(view) {
      let left = random.next() * totalWeight(view);
      let last = -1;
      for (let i = 0; i < view.targets.length; i++) {
        const weight = view.targets[i]!.eligible ? effectiveWeight(view, i) : 0;
        if (weight === 0) continue;
        last = i;
        left -= weight;
        if (left < 0) return i;
      }
      return last; // rounding may leave a crumb for the last one
    },
    charge() {
      // Chance has no memory.
    },
  };
}

function totalWeight(view: PoolView): number {
  let total = 0;
  for (let i = 0; i < view.targets.length; i++) {
    if (view.targets[i]!.eligible) total += effectiveWeight(view, i);
  }
  return total;
}
