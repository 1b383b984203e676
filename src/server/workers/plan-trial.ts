import type { Cancel, Clock } from "../../core/clock.ts";
import type { KeptPlan } from "./kept-plan.ts";

/**
 * A plan with which all workers end so often within this time of its commit, and never run, is
 * taken back.
 */
const TRIAL_MS = 30_000;
const TRIAL_ENDS = 2;

/** Whether a plan that was taken over proves to be fatal; the one before is kept as long. */
export class PlanTrial {
  readonly #clock: Clock;
  #before: KeptPlan | undefined;
  #ends: number[] = [];
  #cancel: Cancel = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another plan than `before` is run from now on, by so many workers. */
  begin(before: KeptPlan, workers: number): void {
    this.end();
    this.#before = before;
    this.#ends = Array<number>(workers).fill(0);
    this.#cancel = this.#clock.after(TRIAL_MS, () => this.end());
  }

  /** A worker has died. Gives the plan to return to, once, when all have died too often. */
  died(worker: number): KeptPlan | undefined {
    if (this.#before === undefined) return undefined;
    this.#ends[worker]! += 1;
    if (this.#ends.some((ends) => ends < TRIAL_ENDS)) return undefined;
    const before = this.#before;
    this.end();
    return before;
  }

  /** It is over, well or not. */
  end(): void {
    this.#cancel();
    this.#before = undefined;
  }
}
