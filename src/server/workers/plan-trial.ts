import type { Cancel, Clock } from "../../core/clock.ts";
import type { SerializedPlan } from "./serialized-plan.ts";
import type { ExitReason } from "./worker-link.ts";

/**
 * A plan with which all workers end so often within this time of its commit, and never run, is
 * taken back.
 */
const TRIAL_MS = 30_000;
const TRIAL_ENDS = 2;
/** Whoever ran so long with a plan did not end because of it. */
const WELL_MS = 5_000;
/** Who is silent is found out, and killed for it, so late at most. */
const UNSEEN_MS = 15_000;

interface PlanTrialOptions {
  readonly clock: Clock;
  readonly workers: number;
  /** What they were started with: there is nothing else to return to. */
  readonly first: SerializedPlan;
}

/** Whether a plan that was applied proves to be fatal; the last that did not is kept. */
export class PlanTrial {
  readonly #clock: Clock;
  readonly #workers: number;
  /** The last plan whose trial was survived. */
  #good: SerializedPlan;
  /** The one on trial. */
  #tried: SerializedPlan | undefined;
  #ends: number[] = [];
  /** Since when each has run with it, by the clock; undefined while it does not. */
  #sinceMs: (number | undefined)[] = [];
  #cancel: Cancel = () => undefined;

  constructor({ clock, workers, first }: PlanTrialOptions) {
    this.#clock = clock;
    this.#workers = workers;
    this.#good = first;
  }

  /**
   * This plan is run from now on. That of the same document as the one on trial (a certificate was
   * renewed) is on the same trial: to be committed again proves nothing. `ready` run already.
   */
  begin(plan: SerializedPlan, ready: readonly number[]): void {
    const goesOn = this.#tried?.data.digest === plan.data.digest;
    this.#tried = plan;
    if (goesOn) return;
    this.#cancel();
    this.#ends = Array<number>(this.#workers).fill(0);
    this.#sinceMs = Array<undefined>(this.#workers).fill(undefined);
    for (const worker of ready) this.ready(worker);
    this.#cancel = this.#clock.after(TRIAL_MS, () => this.#survived());
  }

  /** A worker that was started runs the plan from now on. */
  ready(worker: number): void {
    this.#sinceMs[worker] = this.#clock.nowMs();
  }

  /** A worker has died. Gives the plan to return to, once, when all have died too often. */
  died(worker: number, reason: ExitReason): SerializedPlan | undefined {
    if (this.#tried === undefined) return undefined;
    const since = this.#sinceMs[worker];
    this.#sinceMs[worker] = undefined;
    if (this.#ranWell(since, reason === "silent" ? UNSEEN_MS : 0)) this.#ends[worker] = 0;
    // A signal from outside says nothing of a plan with which the worker got as far as to run.
    else if (reason !== "killed" || since === undefined) this.#ends[worker]! += 1;
    if (this.#ends.some((ends, i) => ends < TRIAL_ENDS || this.#ranWell(this.#sinceMs[i], 0))) return undefined;
    this.end();
    return this.#good;
  }

  /** Nothing is on trial any more. */
  end(): void {
    this.#cancel();
    this.#tried = undefined;
  }

  #ranWell(sinceMs: number | undefined, unseenMs: number): boolean {
    return sinceMs !== undefined && this.#clock.nowMs() - sinceMs - unseenMs > WELL_MS;
  }

  #survived(): void {
    this.#good = this.#tried ?? this.#good;
    this.end();
  }
}
