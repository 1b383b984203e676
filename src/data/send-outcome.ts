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
 * smaller batch has just been taken (`recent`, or `above` where that was before another refusal of
 * more than the target is known to take) or as far as a half of it will show (`quota`); or 400,
 * which some servers say (`bad_data`), as far as a half will show.
 */
export type SizeDoubt = "recent" | "above" | "quota" | "bad_data";

/** How one send ended, by the rules of OTLP (data/export/classify.ts). */
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
      /** It was taken for throttling, and may have been for the size of what was sent. */
      readonly perhapsSize?: boolean;
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
 * Refusals that have nothing to do with what was sent, or need not: other data meets them as well.
 */
const FAULTS: ReadonlySet<string> = new Set([
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "INTERNAL",
  "UNKNOWN",
  "HTTP 401",
  "HTTP 403",
]);

const WHO: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "PERMISSION_DENIED", "HTTP 401", "HTTP 403"]);

/**
 * Whether an outcome is about the sender, and not the target, where the target is passed headers of
 * senders.
 */
export function isAboutSender(outcome: SendOutcome): boolean {
  if (outcome.kind === "retry") return outcome.quota === true;
  return outcome.kind === "rejected" && asksWho(outcome.code);
}

/**
 * Whether an answer, by its gRPC code or `HTTP <status>`, asks who one is, or says that whoever one
 * is may not.
 */
export function asksWho(code: string): boolean {
  return WHO.has(code);
}

/**
 * Whether a target that refuses for good in this way is itself to blame, as far as one can tell.
 * Not: what is said of the data (INVALID_ARGUMENT, 400, 422, too large), and what a config makes
 * final of a signal or a path that it does not know.
 */
export function isTargetFault({ code, badData }: Extract<SendOutcome, { kind: "rejected" }>): boolean {
  return !badData && (FAULTS.has(code) || code.startsWith("HTTP 5"));
}

/** A dead connection is no fault of the target's once. */
export function asReset(outcome: SendOutcome): SendOutcome {
  return outcome.kind === "retry" && outcome.reason === "stale" ? { ...outcome, reason: "reset" } : outcome;
}
