import type { Random } from "../../core/random.ts";
import { LatencyOrder } from "./latency-order.ts";
import { isCandidate, type Picker, type PoolView } from "./picker.ts";
import { SumTree } from "./sum-tree.ts";

/** So many are drawn before all are looked at. */
const DRAWS = 16;

/**
 * At random by weight among the candidates whose latency is at most `thresholdMs`; the lowest while
 * there is none.
 */
export function withinLatency(size: number, thresholdMs: number, random: Random): Picker {
  const order = new LatencyOrder(size);
  const weights = new SumTree(size);
  const isWithin = (view: PoolView, index: number): boolean => view.gauge(index).latencyMs(view.nowMs) <= thresholdMs;
  return {
    pick(view) {
      const lowest = order.lowest(view);
      if (lowest < 0 || !isWithin(view, lowest)) return lowest;
      for (let draws = 0; draws < DRAWS; draws++) {
        const drawn = weights.find(random.next());
        if (isWithin(view, drawn)) return drawn;
      }
      return drawFromAll(view, random, isWithin);
    },
    charge() {
      // Chance has no memory.
    },
    changed(view, index) {
      order.changed(view, index);
      weights.set(index, isCandidate(view, index) ? view.weight[index]! : 0);
    },
  };
}

/** Few are within: rare, and takes 30 µs for 1,000 targets. */
function drawFromAll(view: PoolView, random: Random, isWithin: (view: PoolView, index: number) => boolean): number {
  let drawn = -1;
  let total = 0;
  for (let at = 0; at < view.candidateCount; at++) {
    const index = view.candidates[at]!;
    if (!isWithin(view, index)) continue;
    total += view.weight[index]!;
    if (random.next() * total < view.weight[index]!) drawn = index;
  }
  return drawn;
}
