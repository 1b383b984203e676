/**
 * Why a sender was told no, or why a parcel did not arrive. A closed list, so that metrics can
 * count it, the log can name it and people can look it up (docs/reference/reasons.md).
 */
export const REASONS = [
  "bad_data",
  "too_large",
  "unsupported_encoding",
  "unsupported_media_type",
  "method_not_allowed",
  "not_found",
  "too_many_requests",
  "over_limit",
  "memory",
  "degraded",
  "too_slow",
  "queue_full",
  "unrouted",
  "too_many_hops",
  "no_target",
  "no_config",
  "target_rejected",
  "target_failed",
  "deadline",
  "cancelled",
  "pool_removed",
  "shutting_down",
  "worker_died",
  "internal",
] as const;
export type Reason = (typeof REASONS)[number];

/**
 * An expected "no" to a sender. Whether it may try again follows from the reason
 * (data/receive/reply.ts).
 */
export interface Refusal {
  readonly reason: Reason;
  /** For the sender: what was wrong, where, how to mend it. */
  readonly message: string;
  /** When the sender may try again, for reasons that are retryable. */
  readonly retryAfterMs?: number;
  /** For `bad_data` from a target, and where the place is known: what to put into BadRequest. */
  readonly field?: string;
}
