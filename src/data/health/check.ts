import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { CheckResult } from "../../plan/data-plane.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { SendOutcome } from "../send-outcome.ts";

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

/** An export request without items: asks whether a target takes a signal. */
export interface EmptyExport {
  readonly signal: Signal;
  readonly pieces: readonly [];
  readonly bytes: 0;
  readonly items: 0;
  readonly points: 0;
  readonly headers: SenderHeaders;
}

/** The way that data takes to a target, as far as a check goes it: the target's own client. */
export interface CheckedClient {
  /** `done` is called exactly once, never from within `send`. */
  send(empty: EmptyExport, timeoutMs: number, done: (outcome: SendOutcome) => void): Cancel;
}
