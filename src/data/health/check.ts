import type { Cancel } from "../../core/clock.ts";
import type { CheckResult } from "../../plan/data-plane.ts";

/** What one active check found, and what it heard or missed, for people. */
export interface CheckOutcome {
  readonly result: CheckResult;
  readonly said: string;
}

/** A way to ask one target whether it works. Disposing it closes what it opened. */
export interface Check extends AsyncDisposable {
  /** `done` is called once, within `timeoutMs`, and never from within `run`; after cancelling not at all. */
  run(timeoutMs: number, done: (outcome: CheckOutcome) => void): Cancel;
}
