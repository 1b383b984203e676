import type { Signal } from "../../otlp/signal.ts";
import type { Refusal } from "../../core/reason.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly signal: Signal;
  readonly method: "grpc" | "http";
  /** Region of the listener, for senders that say nothing of their own. */
  readonly region: string;
  readonly peer: string;
  /** Valid until the request was answered. */
  readonly headers: HeaderSource;
  /** Clock.nowMs() at the first byte. */
  readonly receivedMs: number;
  /**
   * Clock.nowMs() after which the sender no longer waits. Bounds whatever is tried for the request.
   */
  readonly deadlineMs: number;
}

/**
 * The answer to a request, before any protocol. `ok` with `rejected` 0 and an empty message is full
 * success; `rejected` counts what `partial_success` counts: spans, data points, log records.
 */
export type Reply =
  | { readonly ok: true; readonly rejected: number; readonly message: string }
  | { readonly ok: false; readonly refusal: Refusal };

export const FULL_SUCCESS: Reply = { ok: true, rejected: 0, message: "" };
