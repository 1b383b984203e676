import { IndexHeap } from "./index-heap.ts";
import { isCandidate, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";

/**
 * Weighted round robin for many targets: each has a deadline, which a batch moves on by its items
 * over the target's weight, and the earliest is picked. Shares are exact over a cycle, the sequence
 * is less smooth. Who is no candidate keeps its distance to the others, so that skipping distorts
 * nothing. Measured: 0.2 µs for 1,000 targets.
 */
export function earliestDeadline(size: number): Picker {
  return new EarliestDeadline(size);
}

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
