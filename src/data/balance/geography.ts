import type { StrategyPlan } from "../../plan/plan.ts";
import {
  type BatchSize,
  copyOf,
  type Picker,
  type PoolView,
  type RememberingPicker,
  type TargetGauge,
} from "./picker.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** Region of targets that are for everybody. */
const EVERYBODY = "default";

/** Which targets are in a step: those of a region, or the one with this id, where it may be one. */
interface Distance {
  readonly region: string;
  readonly id?: string;
}

/**
 * For items of one region: its targets first, then those of the regions in `prefer`, in which a
 * target may stand by its id, then those of the regions in `order`, then those of region `default`,
 * then any others; within each step by weighted round robin. It leaves a step when none of its
 * targets is usable: a full window is no reason to send data far away.
 */
export function geography({
  region,
  prefer = [],
  order,
}: Omit<Extract<StrategyPlan, { type: "geography" }>, "type">): Picker {
  const wanted = new Map<string, Distance>();
  for (const one of [...(region === undefined ? [] : [region]), ...prefer, ...order, EVERYBODY]) {
    if (!wanted.has(one))
      wanted.set(one, one !== region && prefer.includes(one) ? { region: one, id: one } : { region: one });
  }
  return new Geography([...wanted.values()]);
}

interface DistanceStep {
  readonly picker: Picker;
  /** How many of its targets are usable and have weight. */
  usable: number;
}

class Geography implements RememberingPicker {
  readonly #distances: readonly Distance[];
  #steps: readonly DistanceStep[] = [];
  /** Of each target: its region, the step that it is in, and whether it counts as usable there. */
  #regionOf: readonly string[] = [];
  #stepOf = new Int32Array(0);
  #isUsable = new Uint8Array(0);

  constructor(distances: readonly Distance[]) {
    this.#distances = distances;
  }

  copy(): Geography {
    const copy = new Geography(this.#distances);
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
      const step = this.#distances.findIndex((distance) => isIn(distance, view.gauge(i)));
      return step < 0 ? this.#distances.length : step;
    });
    this.#steps = [...this.#distances, undefined].map((_, step) => {
      const members = all.filter((i) => this.#stepOf[i] === step);
      return { picker: weightedRoundRobin(view.size, members), usable: 0 };
    });
    this.#isUsable = new Uint8Array(view.size);
    for (const i of all) this.changed(view, i);
  }
}

function isIn(distance: Distance, { id, region }: TargetGauge): boolean {
  return distance.region === region || distance.id === id;
}
