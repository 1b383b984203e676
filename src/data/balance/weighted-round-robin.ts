import { IndexHeap } from "../../core/heap.ts";
import { type Picker, type PoolView, type RememberingPicker, isCandidate } from "./picker.ts";

/** Up to here every target is looked at for a pick, which gives the smoothest sequence. */
const SMOOTH_TARGETS = 64;

/**
 * In turn by weight, over these targets of the pool (default: all). Items are what is shared:
 * batches of equal size give weights 5:1:1 the sequence a a b a c a a, and a large batch counts for
 * as many turns as it has items.
 */
export function weightedRoundRobin(size: number, members?: readonly number[]): Picker {
  const those = members ?? Array.from({ length: size }, (_, i) => i);
  return those.length <= SMOOTH_TARGETS ? new SmoothWeighted(size, those) : new EarliestDeadline(size);
}

/**
 * Smooth weighted round robin (as nginx has it), in items: for each batch every candidate earns its
 * weight times the batch's items, and the one that takes the batch pays what all have earned. Who
 * would be richest is picked. Who is no candidate neither earns nor pays, so that skipping distorts
 * nothing. Measured: 40 ns for 3 targets, 150 ns for 64.
 */
class SmoothWeighted implements RememberingPicker {
  readonly #members: readonly number[];
  readonly #earned: Float64Array;
  /** Of the last batch: the next one is taken to be as large. */
  #items = 1;

  constructor(size: number, members: readonly number[]) {
    this.#members = members;
    this.#earned = new Float64Array(size);
  }

  copy(): SmoothWeighted {
    const copy = new SmoothWeighted(this.#earned.length, this.#members);
    copy.#earned.set(this.#earned);
    copy.#items = this.#items;
    return copy;
  }

  pick(view: PoolView): number {
    let best = -1;
    let most = 0;
    for (let at = 0; at < this.#members.length; at++) {
      const index = this.#members[at]!;
      if (!isCandidate(view, index)) continue;
      const earned = this.#earned[index]! + view.weight[index]! * this.#items;
      if (best >= 0 && earned <= most) continue;
      best = index;
      most = earned;
    }
    return best;
  }

  charge(view: PoolView, index: number, { items }: { readonly items: number }): void {
    if (!isCandidate(view, index)) return; // a probe is nobody's turn
    this.#items = items;
    let total = 0;
    for (let at = 0; at < this.#members.length; at++) {
      const member = this.#members[at]!;
      if (!isCandidate(view, member)) continue;
      const earns = view.weight[member]! * items;
      this.#earned[member]! += earns;
      total += earns;
    }
    this.#earned[index]! -= total;
  }

  changed(): void {
    // All is looked at for each pick.
  }
}

/**
 * Weighted round robin for many targets: each has a deadline, which a batch moves on by its items
 * over the target's weight, and the earliest is picked. Shares are exact over a cycle, the sequence
 * is less smooth. Who is no candidate keeps its distance to the others, so that skipping distorts
 * nothing. Measured: 0.2 µs for 1,000 targets.
 */
class EarliestDeadline implements RememberingPicker {
  #order: IndexHeap;
  /**
   * From now (`#time`) to the deadline, while it is no candidate; in items, so that it holds for
   * any weight.
   */
  readonly #ahead: Float64Array;
  readonly #weights: Float64Array;
  /** The deadline that was picked last. */
  #time = 0;
  #items = 1;

  constructor(size: number) {
    this.#order = new IndexHeap(size);
    this.#ahead = new Float64Array(size).fill(Number.NaN);
    this.#weights = new Float64Array(size);
  }

  copy(): EarliestDeadline {
    const copy = new EarliestDeadline(this.#weights.length);
    copy.#order = this.#order.copy();
    copy.#ahead.set(this.#ahead);
    copy.#weights.set(this.#weights);
    copy.#time = this.#time;
    copy.#items = this.#items;
    return copy;
  }

  pick(): number {
    return this.#order.top;
  }

  charge(_: PoolView, index: number, { items }: { readonly items: number }): void {
    if (!this.#order.has(index)) return; // a probe is nobody's turn
    this.#items = items;
    const deadline = this.#order.keyOf(index);
    this.#time = Math.max(this.#time, deadline);
    this.#order.set(index, deadline + items / this.#weights[index]!);
  }

  changed(view: PoolView, index: number): void {
    const weight = view.weight[index]!;
    const was = this.#order.has(index);
    const is = isCandidate(view, index);
    if (was && (!is || weight !== this.#weights[index])) {
      this.#ahead[index] = (this.#order.keyOf(index) - this.#time) * this.#weights[index]!;
      this.#order.remove(index);
    }
    if (!is || this.#order.has(index)) return;
    // Who is new is due when it would be had it just had its turn: heavy ones soon, all together
    // spread out.
    const ahead = this.#ahead[index]!;
    this.#weights[index] = weight;
    this.#order.set(index, this.#time + (Number.isNaN(ahead) ? this.#items : ahead) / weight);
  }
}
