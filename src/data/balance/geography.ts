import { type BatchSize, copyOf, type Picker, type PoolView, type RememberingPicker } from "./picker.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** Region of targets that are for everybody. */
const EVERYBODY = "default";

/**
 * For items of one region: its targets first, then those of the regions in `order`, then those of
 * region `default`, then any others; within each step by weighted round robin. It leaves a step
 * when none of its targets is usable: a full window is no reason to send data far away.
 */
export function geography(region: string | undefined, order: readonly string[]): Picker {
  const wanted = [...(region === undefined ? [] : [region]), ...order, EVERYBODY];
  return new Geography([...new Set(wanted)]);
}

interface DistanceStep {
  readonly picker: Picker;
  /** How many of its targets are usable and have weight. */
  usable: number;
}

class Geography implements RememberingPicker {
  readonly #regions: readonly string[];
  #steps: readonly DistanceStep[] = [];
  /** Of each target: its region, the step that it is in, and whether it counts as usable there. */
  #regionOf: readonly string[] = [];
  #stepOf = new Int32Array(0);
  #isUsable = new Uint8Array(0);

  constructor(regions: readonly string[]) {
    this.#regions = regions;
  }

  copy(): Geography {
    const copy = new Geography(this.#regions);
    copy.#steps = this.#steps.map(({ picker, usable }) => ({ picker: copyOf(picker) ?? picker, usable }));
    copy.#regionOf = this.#regionOf;
    copy.#stepOf = this.#stepOf;
    copy.#isUsable = this.#isUsable.slice();
    return copy;
  }

  pick(view: PoolView): number {
    for (const { picker, usable } of this.#steps) {
      if (usable === 0) continue;
      const index = picker.pick(view);
      if (index >= 0) return index;
      if (!this.#isAvoided(view)) return -1;
    }
    return this.#anyTry(view);
  }

  charge(view: PoolView, index: number, batch: BatchSize): void {
    this.#steps[this.#stepOf[index]!]!.picker.charge(view, index, batch);
  }

  changed(view: PoolView, index: number): void {
    if (this.#regionOf[index] !== view.gauge(index).region) this.#arrange(view);
    const step = this.#steps[this.#stepOf[index]!]!;
    const isUsable = view.usable[index] === 1 && view.weight[index]! > 0 ? 1 : 0;
    step.usable += isUsable - this.#isUsable[index]!;
    this.#isUsable[index] = isUsable;
    step.picker.changed(view, index);
  }

  /** The batch just failed somewhere: for this once it may go further. */
  #isAvoided(view: PoolView): boolean {
    for (let i = 0; i < view.size; i++) if (view.excluded[i] === 1) return true;
    return false;
  }

  /** Nothing is usable; in a panic something may be tried. */
  #anyTry(view: PoolView): number {
    for (const { picker } of this.#steps) {
      const index = picker.pick(view);
      if (index >= 0) return index;
    }
    return -1;
  }

  /** Puts each target into its step; at first, and when a target has moved. */
  #arrange(view: PoolView): void {
    const all = Array.from({ length: view.size }, (_, i) => i);
    this.#regionOf = all.map((i) => view.gauge(i).region);
    this.#stepOf = Int32Array.from(all, (i) => {
      const step = this.#regions.indexOf(this.#regionOf[i]!);
      return step < 0 ? this.#regions.length : step;
    });
    this.#steps = [...this.#regions, undefined].map((_, step) => {
      const members = all.filter((i) => this.#stepOf[i] === step);
      return { picker: weightedRoundRobin(view.size, members), usable: 0 };
    });
    this.#isUsable = new Uint8Array(view.size);
    for (const i of all) this.changed(view, i);
  }
}
