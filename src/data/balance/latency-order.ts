import { IndexHeap } from "./index-heap.ts";
import { isCandidate, type PoolView } from "./picker.ts";

/**
 * The candidates of a pool in the order of their latency, over the share that each is to get. Ranks
 * of latency only rise until the target tells of a change: so only the first one has to be read
 * anew for a pick.
 */
export class LatencyOrder {
  readonly #order: IndexHeap;

  constructor(size: number) {
    this.#order = new IndexHeap(size);
  }

  changed(view: PoolView, index: number): void {
    if (isCandidate(view, index)) this.#order.set(index, rankOf(view, index));
    else this.#order.remove(index);
  }

  /** Index of the one with the lowest latency as of now; -1 when there are no candidates. */
  lowest(view: PoolView): number {
    for (;;) {
      const top = this.#order.top;
      if (top < 0) return -1;
      const known = this.#order.keyOf(top);
      const rank = rankOf(view, top);
      // Rounding alone must not count as news.
      if (rank <= known + 1e-9) return top;
      this.#order.set(top, rank);
    }
  }
}

function rankOf(view: PoolView, index: number): number {
  return view.gauge(index).latencyRank(view.nowMs) - Math.log(view.share[index]!);
}
