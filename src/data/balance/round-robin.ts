import { IndexHeap } from "../../core/heap.ts";
import { isCandidate, type PoolView, type RememberingPicker } from "./picker.ts";

/**
 * In turn: the candidate whose last batch is the longest ago. So shares stay equal within 1 between
 * targets that were candidates all along, whichever others were skipped, and one that comes back is
 * not flooded to catch up. A target that has only a share of its part waits the longer for its
 * turn.
 */
export class RoundRobin implements RememberingPicker {
  #order: IndexHeap;
  readonly #lastTurns: Float64Array;
  #turn = 0;

  constructor(size: number) {
    this.#order = new IndexHeap(size);
    this.#lastTurns = new Float64Array(size);
  }

  copy(): RoundRobin {
    const copy = new RoundRobin(this.#lastTurns.length);
    copy.#order = this.#order.copy();
    copy.#lastTurns.set(this.#lastTurns);
    copy.#turn = this.#turn;
    return copy;
  }

  pick(): number {
    return this.#order.top;
  }

  charge(view: PoolView, index: number): void {
    this.#lastTurns[index] = ++this.#turn;
    if (this.#order.has(index)) this.#order.set(index, this.#dueAt(view, index));
  }

  changed(view: PoolView, index: number): void {
    if (isCandidate(view, index)) this.#order.set(index, this.#dueAt(view, index));
    else this.#order.remove(index);
  }

  #dueAt(view: PoolView, index: number): number {
    const others = this.#order.length - (this.#order.has(index) ? 1 : 0);
    return this.#lastTurns[index]! + others * (1 / view.share[index]! - 1);
  }
}
