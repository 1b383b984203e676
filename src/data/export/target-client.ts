import type { Cancel } from "../../core/clock.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";

/** What is sent to a target in one call: parcels of one signal, one after the other. */
export interface Batch {
  readonly signal: Signal;
  /** Borrowed until `done`. Concatenated they are one Export request. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly items: number;
  readonly points: number;
  /** What the target is passed on of its senders' headers: all that is in it came with the same. */
  readonly headers: SenderHeaders;
  /**
   * If it is refused, perhaps for its size, nothing smaller will be tried: it cannot be cut, or is
   * the half that is tried once.
   */
  readonly decisive?: boolean;
  /**
   * Some of it was on a kept connection that was found dead, and is sent on a new one: this is not
   * forgiven twice.
   */
  readonly again?: boolean;
}

/** Why a send may be tried again. A closed list: label of metrics, reason of health states. */
export const RETRY_REASONS = [
  "connect",
  "reset",
  "stale",
  "timeout",
  "cut_short",
  "protocol",
  "throttled",
  "unavailable",
  "aborted",
  "cancelled",
] as const;
export type RetryReason = (typeof RETRY_REASONS)[number];

/**
 * Why a refusal is taken for one of the size that did not say so: RESOURCE_EXHAUSTED, where a
 * smaller batch has just been taken (`recent`) or as far as a half of it will show (`quota`); or
 * 400, which some servers say (`bad_data`), as far as a half will show.
 */
export type SizeDoubt = "recent" | "quota" | "bad_data";

/** How one send ended, by the rules of OTLP (classify.ts). */
export type SendOutcome =
  /**
   * `rejected` counts what `partial_success` counts; `unreadable`: the target took it, and what it
   * said besides is not known.
   */
  | {
      readonly kind: "accepted";
      readonly rejected: number;
      readonly message: string;
      readonly unreadable?: true;
    }
  | {
      readonly kind: "retry";
      readonly reason: RetryReason;
      readonly message: string;
      /** What the target asked to wait (RetryInfo, Retry-After). */
      readonly afterMs?: number;
      /**
       * True when the target certainly did not process it: sending it elsewhere makes no duplicate.
       */
      readonly unprocessed: boolean;
      /**
       * It is about whoever sent it, as far as the target tells senders apart: 429,
       * RESOURCE_EXHAUSTED.
       */
      readonly quota?: boolean;
    }
  | { readonly kind: "too_large"; readonly message: string; readonly doubt?: SizeDoubt }
  /** This target does not take this signal, whatever is in it; another one may. */
  | {
      readonly kind: "elsewhere";
      /** The name of a gRPC code, or `HTTP <status>`. */
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "rejected";
      /** The name of a gRPC code, or `HTTP <status>`. */
      readonly code: string;
      readonly message: string;
      readonly badData: boolean;
      /** Not said to be bad data, and still the fault of one request in the batch, perhaps. */
      readonly perhapsData?: boolean;
    };

/**
 * Told how a send ended, and what the target said of its own load in its answer
 * (data/load/reported-load.ts).
 */
export type SendDone = (outcome: SendOutcome, loadReport?: string) => void;

/** One peer that takes batches. Disposing it ends what is under way with `cancelled`. */
export interface TargetClient extends AsyncDisposable {
  /**
   * `done` is called exactly once, never from within `send`. Cancelling ends the call with
   * `cancelled`.
   */
  send(batch: Batch, timeoutMs: number, done: SendDone): Cancel;
}
