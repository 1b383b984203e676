import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CheckResult } from "../../plan/data-plane.ts";

/** What one active check found, and what it heard or missed, for people. */
export interface CheckOutcome {
  readonly result: CheckResult;
  readonly said: string;
  /**
   * Of a check that asked with a signal: which one, and whether the answer was that it is not taken
   * there.
   */
  readonly asked?: { readonly signal: Signal; readonly elsewhere: boolean };
}

/** A way to ask one target whether it works. Disposing it closes what it opened. */
export interface Check extends AsyncDisposable {
  /**
   * `done` is called once, within `timeoutMs`, and never from within `run`; after cancelling not at
   * all.
   */
  run(timeoutMs: number, done: (outcome: CheckOutcome) => void): Cancel;
}
