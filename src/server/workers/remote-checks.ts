import type { Cancel, Clock } from "../../core/clock.ts";
import type { Check, CheckOutcome } from "../../data/health/check.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import type { CheckPlan } from "../../plan/target-health.ts";
import type { FromWorker } from "./messages.ts";

/**
 * The main process runs the check, and its own limit on time holds; beyond it, it has failed to
 * tell.
 */
const TELL_MS = 2_000;
/** Who asks so much sooner than usual doubts, and takes nothing that was found out before. */
const USUAL_SHARE = 0.7;

/** The active checks of a worker: the main process is asked, which runs them for all workers. */
export class RemoteChecks {
  readonly #clock: Clock;
  readonly #send: (message: FromWorker) => void;
  readonly #asked = new Map<number, (outcome: CheckOutcome) => void>();
  #nextId = 1;

  constructor(clock: Clock, send: (message: FromWorker) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** What the main process says. */
  told(id: number, outcome: CheckOutcome): void {
    this.#asked.get(id)?.(outcome);
  }

  open(check: CheckPlan, current: () => TargetPlan): Check {
    let lastMs = Number.NEGATIVE_INFINITY;
    return {
      run: (timeoutMs, done) => {
        const nowMs = this.#clock.nowMs();
        const isUsual = nowMs - lastMs >= USUAL_SHARE * check.intervalMs;
        lastMs = nowMs;
        return this.#ask(current(), isUsual ? check.intervalMs / 2 : 0, timeoutMs, done);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  #ask(
    { id: target, address }: TargetPlan,
    maxAgeMs: number,
    timeoutMs: number,
    done: (outcome: CheckOutcome) => void,
  ): Cancel {
    const id = this.#nextId++;
    const end = (outcome: CheckOutcome): void => {
      cancel();
      done(outcome);
    };
    const cancelTimer = this.#clock.after(timeoutMs + TELL_MS, () => end(UNTOLD));
    const cancel = (): void => {
      cancelTimer();
      this.#asked.delete(id);
    };
    this.#asked.set(id, end);
    this.#send({ kind: "check", id, request: { target, address, maxAgeMs } });
    return cancel;
  }
}

const UNTOLD: CheckOutcome = { result: "timeout", said: "the main process did not tell what the check found" };
