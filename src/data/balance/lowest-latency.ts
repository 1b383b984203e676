import { LatencyOrder } from "./latency-order.ts";
import type { Picker } from "./picker.ts";

/**
 * The candidate with the lowest latency: peak EWMA, to which failures count as slow answers
 * (load/target-load.ts).
 */
export function lowestLatency(size: number): Picker {
  const order = new LatencyOrder(size);
  return {
    pick: (view) => order.lowest(view),
    charge() {
      // What is under way is measured by the target.
    },
    changed: (view, index) => order.changed(view, index),
  };
}
