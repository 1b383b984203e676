import type { BytesOwner } from "../core/arena/extent.ts";
import type { Reason } from "../core/reason.ts";
import type { Signal } from "../otlp/signal.ts";
import type { SenderHeaders } from "../plan/sender-headers.ts";

/** How a parcel ended. `target`: the one that was asked last, unless all went well. */
export type ParcelOutcome =
  /**
   * A target took it; `rejected` of its counted things were refused by the target through
   * `partial_success`.
   */
  | { readonly kind: "delivered"; readonly rejected: number; readonly message: string; readonly target?: string }
  /** A target refused it for good; sending it again would not help. */
  | { readonly kind: "rejected"; readonly message: string; readonly badData: boolean; readonly target?: string }
  /** Not delivered, and nobody said that it never can be: the sender may send it again. */
  | {
      readonly kind: "failed";
      readonly reason: Reason;
      readonly message: string;
      readonly retryAfterMs?: number;
      readonly target?: string;
    };

/**
 * The part of one request that goes to one pool: byte ranges that, one after the other, are one
 * valid Export request. Owned by the queue from `offer` to `settle`; the bytes are views of the
 * request's, and stay as they are until then.
 */
export interface Parcel {
  readonly signal: Signal;
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /**
   * Keeps the pieces where they are. The parcel has retained it, and releases it when it is
   * settled.
   */
  readonly owner: BytesOwner;
  /** Of its request: what targets are passed on, and what pools divide by. */
  readonly headers: SenderHeaders;
  /** Spans, metrics or log records. */
  readonly items: number;
  /** What `partial_success` counts: the items, except data points for metrics. */
  readonly points: number;
  /**
   * Clock.nowMs() after which nobody waits for it any more; Infinity when it was acknowledged on
   * entering the queue.
   */
  readonly deadlineMs: number;
  readonly enqueuedMs: number;
  /** True once the sender has gone away: what was not sent yet need not be. */
  readonly cancelled: boolean;
  /** Sends that took this parcel along so far. */
  attempts: number;
  /** The target that it was sent to last; empty before the first send. */
  target: string;
  /** Called exactly once. */
  readonly settle: (outcome: ParcelOutcome) => void;
}
