import { reasonOf } from "../../core/errors.ts";
import { copyOf, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";

/**
 * A picker that was not written here must not stop a pool: when it throws, or picks what may not be
 * picked, `standIn` takes over for good, and `told` is told once.
 */
export function guarded(picker: Picker, standIn: Picker, told: (what: string) => void): Picker {
  return new Guarded(picker, standIn, told);
}

class Guarded implements RememberingPicker {
  readonly #standIn: Picker;
  readonly #told: (what: string) => void;
  #picker: Picker | undefined;

  constructor(picker: Picker, standIn: Picker, told: (what: string) => void) {
    this.#picker = picker;
    this.#standIn = standIn;
    this.#told = told;
  }

  pick(view: PoolView): number {
    const index = this.#ask((picker) => picker.pick(view));
    if (index === undefined) return this.#standIn.pick(view);
    if (index === -1 || view.eligible[index] === 1) return index;
    this.#giveUp(`it picked ${index}, which is not eligible`);
    return this.#standIn.pick(view);
  }

  charge(view: PoolView, index: number, batch: { readonly items: number; readonly bytes: number }): void {
    this.#ask((picker) => picker.charge(view, index, batch));
    this.#standIn.charge(view, index, batch);
  }

  /** What others wrote cannot be copied; asking it might leave a trace, against the contract. */
  copy(): Picker | undefined {
    return this.#picker === undefined ? copyOf(this.#standIn) : undefined;
  }

  changed(view: PoolView, index: number): void {
    this.#ask((picker) => picker.changed(view, index));
    this.#standIn.changed(view, index);
  }

  #ask<Answer>(question: (picker: Picker) => Answer): Answer | undefined {
    if (this.#picker === undefined) return undefined;
    try {
      return question(this.#picker);
    } catch (error) {
      this.#giveUp(reasonOf(error));
      return undefined;
    }
  }

  #giveUp(what: string): void {
    this.#picker = undefined;
    this.#told(what);
  }
}
