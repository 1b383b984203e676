import type { Cancel, Clock } from "../../core/clock.ts";
import type { KeptPlan } from "./kept-plan.ts";

/**
 * A plan with which all workers end so often within this time of its commit, and never run, is
 * taken back.
 */
const TRIAL_MS = 30_000;
const TRIAL_ENDS = 2;

export interface PlanTrialOptions {
  readonly clock: Clock;
  readonly workers: number;
  /** What they were started with: there is nothing else to return to. */
  readonly first: KeptPlan;
}

/** Whether a plan that was taken over proves to be fatal; the last that did not is kept. */
export class PlanTrial {
  readonly #clock: Clock;
  readonly #workers: number;
  /** The last plan whose trial was survived. */
  #good: KeptPlan;
  /** The one on trial. */
  #tried: KeptPlan | undefined;
  #ends: number[] = [];
  #cancel: Cancel = () => undefined;

  constructor({ clock, workers, first }: PlanTrialOptions) {
    this.#clock = clock;
    this.#workers = workers;
    this.#good = first;
  }

  /**
   * This plan is run from now on. That of the same document as the one on trial (a certificate was
   * renewed) is on the same trial: to be committed again proves nothing.
   */
  begin(plan: KeptPlan): void {
    const goesOn = this.#tried?.digest === plan.digest;
    this.#tried = plan;
    if (goesOn) return;
    this.#cancel();
    this.#ends = Array<number>(this.#workers).fill(0);
    this.#cancel = this.#clock.after(TRIAL_MS, () => this.#survived());
  }

  /** A worker has died. Gives the plan to return to, once, when all have died too often. */
  died(worker: number): KeptPlan | undefined {
    if (this.#tried === undefined) return undefined;
    this.#ends[worker]! += 1;
    if (this.#ends.some((ends) => ends < TRIAL_ENDS)) return undefined;
    this.end();
    return this.#good;
  }

  /** Nothing is on trial any more. */
  end(): void {
    this.#cancel();
    this.#tried = undefined;
  }

  #survived(): void {
    this.#good = this.#tried ?? this.#good;
    this.end();
  }
}
