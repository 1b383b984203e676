import type { Random } from "../../core/random.ts";
import { IndexHeap } from "../../core/heap.ts";
import { type Picker, type PoolView, isCandidate } from "./picker.ts";
import { type Preference, preferenceFor } from "./preference.ts";
import { SumTree } from "./sum-tree.ts";

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

/** So many are drawn before all are looked at. */
const DRAWS = 16;

/**
 * At random by weight among the candidates whose latency is at most `thresholdMs`, and of these
 * among those that are preferred most; the lowest while there is none.
 */
export function withinLatency(
  size: number,
  { thresholdMs, prefer }: { readonly thresholdMs: number; readonly prefer?: readonly string[] | undefined },
  random: Random,
): Picker {
  const order = new LatencyOrder(size);
  const weights = new SumTree(size);
  const preference = preferenceFor(prefer, size);
  const isWithin = (view: PoolView, index: number): boolean => view.gauge(index).latencyMs(view.nowMs) <= thresholdMs;
  return {
    pick(view) {
      const lowest = order.lowest(view);
      if (lowest < 0 || !isWithin(view, lowest)) return lowest;
      if (preference !== undefined) return drawPreferred(view, random, isWithin, preference);
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
      preference?.changed(view, index);
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

function drawPreferred(
  view: PoolView,
  random: Random,
  isWithin: (view: PoolView, index: number) => boolean,
  preference: Preference,
): number {
  let best = Infinity;
  for (let at = 0; at < view.candidateCount; at++) {
    const index = view.candidates[at]!;
    if (isWithin(view, index)) best = Math.min(best, preference.rankOf(view, index));
  }
  return drawFromAll(view, random, (_, index) => isWithin(view, index) && preference.rankOf(view, index) === best);
}

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
