import { isCandidate, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";

/**
 * Smooth weighted round robin (as nginx has it), in items: for each batch every candidate earns its
 * weight times the batch's items, and the one that takes the batch pays what all have earned. Who
 * would be richest is picked. Who is no candidate neither earns nor pays, so that skipping distorts
 * nothing. Measured: 40 ns for 3 targets, 150 ns for 64.
 */
export function smoothWeighted(size: number, members: readonly number[]): Picker {
  return new SmoothWeighted(size, members);
}

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
