import { type GivenUp, NOTHING_GIVEN_UP } from "../../plan/degradation-plan.ts";
import type { RoutePlan } from "../../plan/route-plan.ts";
import type { SampledSignal, SamplingData, SamplingState } from "../../plan/sampling-plan.ts";
import type { ClassCounts } from "./class-counts.ts";
import { lowered } from "./lowered.ts";
import type { NodeGuard } from "./node-guard.ts";
import { type ClassThreshold, classThreshold, REFUSED_CLASS } from "./threshold-mark.ts";

/** Of a class that nobody says anything of. */
const WHOLE = { probability: 1, reason: "priority_based" } as const;

/** What was decided of the classes of a signal, which are the pools of its plan, in their order. */
export class DirectedClasses {
  readonly #signal: SampledSignal;
  readonly #plan: RoutePlan;
  readonly #data: SamplingData;
  /** The guard leaves them as they are. */
  readonly #isProtected: readonly boolean[];
  #directed: readonly ClassThreshold[];

  constructor(signal: SampledSignal, plan: RoutePlan, data: SamplingData) {
    this.#signal = signal;
    this.#plan = plan;
    this.#data = data;
    const high = new Set(data.classes.flatMap(({ name, priority }) => (priority === "high" ? [name] : [])));
    this.#isProtected = plan.pools.map(({ name }) => high.has(name));
    this.#directed = this.#read(data.state, NOTHING_GIVEN_UP);
  }

  placeOf(name: string): number {
    return this.#plan.pools.findIndex((pool) => pool.name === name);
  }

  /** Of classes that are not named what the plan says; less where the node gives something up. */
  obey(state: SamplingState | undefined, givenUp: GivenUp): void {
    this.#directed = this.#read(state ?? this.#data.state, givenUp);
  }

  /** Where the guard leaves at most this rate of what is not protected; 1: as it was decided. */
  at(rate: number): readonly ClassThreshold[] {
    if (rate >= 1) return this.#directed;
    const narrowed = classThreshold(rate, "guard", this.#signal);
    return this.#directed.map((threshold, i) => {
      return narrowed.probability < threshold.probability && !this.#isProtected[i]! ? narrowed : threshold;
    });
  }

  /** Of what is kept of the request at hand, by class. */
  tellGuard(guard: NodeGuard, counts: readonly ClassCounts[]): void {
    let [unprotectedItems, protectedItems] = [0, 0];
    for (let i = 0; i < counts.length; i++) {
      const { keptItems } = counts[i]!;
      if (this.#isProtected[i]!) protectedItems += keptItems;
      else unprotectedItems += keptItems;
    }
    guard.kept(unprotectedItems, protectedItems);
  }

  #read(state: SamplingState, givenUp: GivenUp): ClassThreshold[] {
    const shares = [...state[this.#signal], ...this.#data.state[this.#signal]];
    return this.#plan.pools.map(({ name }) => {
      const share = shares.find((one) => one.class === name);
      const priority = this.#data.classes.find((one) => one.name === name)?.priority ?? "normal";
      const left = lowered(share ?? WHOLE, priority, givenUp);
      return left === undefined ? REFUSED_CLASS : classThreshold(left.probability, left.reason, this.#signal);
    });
  }
}
