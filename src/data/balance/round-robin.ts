import { IndexHeap } from "./index-heap.ts";
import { isCandidate, type Picker, type PoolView } from "./picker.ts";

/**
 * In turn: the candidate whose last batch is the longest ago. So shares stay equal within 1 between
 * targets that were candidates all along, whichever others were skipped, and one that comes back is
 * not flooded to catch up. A target that has only a share of its part waits the longer for its
 * turn.
 */
export function roundRobin(size: number): Picker {
  const order = new IndexHeap(size);
  const lastTurns = new Float64Array(size);
  let turn = 0;
  const dueAt = (view: PoolView, index: number): number => {
    const others = order.length - (order.has(index) ? 1 : 0);
    return lastTurns[index]! + others * (1 / view.share[index]! - 1);
  };
  return {
    pick: () => order.top,
    charge(view, index) {
      lastTurns[index] = ++turn;
      if (order.has(index)) order.set(index, dueAt(view, index));
    },
    changed(view, index) {
      if (isCandidate(view, index)) order.set(index, dueAt(view, index));
      else order.remove(index);
    },
  };
}
