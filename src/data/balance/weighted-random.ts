import type { Random } from "../../core/random.ts";
import { isCandidate, type Picker } from "./picker.ts";
import { SumTree } from "./sum-tree.ts";

/** At random, by weight over the candidates. */
export function weightedRandom(size: number, random: Random): Picker {
  const weights = new SumTree(size);
  return {
    pick: () => weights.find(random.next()),
    charge() {
      // Chance has no memory.
    },
    changed(view, index) {
      weights.set(index, isCandidate(view, index) ? view.weight[index]! : 0);
    },
  };
}
