import { effectiveWeight, type Picker } from "./picker.ts";

/**
 * In turn: the eligible target whose last pick is the longest ago. So shares stay equal within 1 between targets that
 * were eligible all along, whichever others were skipped, and one that comes back is not flooded to catch up.
 */
export function roundRobin(): Picker {
  const lastPick: number[] = [];
  let picks = 0;
  return {
    pick(view) {
      let best = -1;
      for (let i = 0; i < view.targets.length; i++) {
        if (!view.targets[i]!.eligible || effectiveWeight(view, i) === 0) continue;
        if (best < 0 || (lastPick[i] ?? 0) < (lastPick[best] ?? 0)) best = i;
      }
      if (best >= 0) lastPick[best] = ++picks;
      return best;
    },
    charge() {
      // Batches are what is counted.
    },
  };
}
