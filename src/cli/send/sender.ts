import type { Signal } from "../../otlp/signal.ts";

/** How one attempt ended, by the rules of OTLP. */
export type SendResult =
  /** `rejected` is what `partial_success` counts. */
  | { readonly kind: "acknowledged"; readonly rejected: number; readonly message: string }
  /** The server said no. `code` is the name of a gRPC code, or `HTTP <status>`. */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
      /** From RetryInfo or Retry-After. */
      readonly retryAfterMs: number | undefined;
    }
  /** There was no answer. All of these may be tried again, but `cancelled`, and what was not understood. */
  | { readonly kind: "failed"; readonly reason: FailureReason; readonly message: string };

export const FAILURE_REASONS = ["connect", "reset", "timeout", "protocol", "too_large", "cancelled"] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** One server that requests are sent to. */
export interface Sender extends AsyncDisposable {
  /** The body is borrowed until the promise is settled; it never rejects. Aborting ends the attempt with `cancelled`. */
  send(signal: Signal, body: Uint8Array, abort: AbortSignal): Promise<SendResult>;
}

/** Whether OTLP lets a client try again. */
export function mayRetry(result: SendResult): boolean {
  if (result.kind === "refused") return result.retryable;
  return result.kind === "failed" && result.reason !== "cancelled" && result.reason !== "too_large";
}
