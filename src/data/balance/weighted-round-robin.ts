import { effectiveWeight, type Picker } from "./picker.ts";

/**
 * Smooth weighted round robin: every eligible target earns its weight, the richest is picked and pays what all earned.
 * Weights 5:1:1 give a a b a c a a. Who is not eligible neither earns nor pays, so skipping distorts nothing.
 */
export function weightedRoundRobin(): Picker {
  const earned: number[] = [];
  return {
    pick(view) {
      let best = -1;
      let total = 0;
      for (let i = 0; i < view.targets.length; i++) {
        const weight = view.targets[i]!.eligible ? effectiveWeight(view, i) : 0;
        if (weight === 0) continue;
        total += weight;
        earned[i] = (earned[i] ?? 0) + weight;
        if (best < 0 || earned[i]! > earned[best]!) best = i;
      }
      if (best >= 0) earned[best]! -= total;
      return best;
    },
    charge() {
      // Batches are what is weighed.
    },
  };
}
