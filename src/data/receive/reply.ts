import { truncate } from "../../core/truncate.ts";
import type { Reason, Refusal } from "../../core/reason.ts";
import { GRPC, type GrpcCode } from "../../otlp/grpc-code.ts";

/**
 * What a reason means to a sender. `retryable` follows from the two codes, by OTLP's tables of what
 * may be retried.
 */
interface ReplyRow {
  readonly http: number;
  readonly grpc: GrpcCode;
  readonly retryable: boolean;
}

/**
 * The one table from reasons to codes (OTLP 1.11, OTLP/gRPC and OTLP/HTTP Response).
 * RESOURCE_EXHAUSTED may be retried only with RetryInfo, which retryable replies carry and others
 * do not.
 */
export const REPLIES = {
  bad_data: { http: 400, grpc: GRPC.INVALID_ARGUMENT, retryable: false },
  too_large: { http: 413, grpc: GRPC.RESOURCE_EXHAUSTED, retryable: false },
  unsupported_encoding: { http: 415, grpc: GRPC.UNIMPLEMENTED, retryable: false },
  unsupported_media_type: { http: 415, grpc: GRPC.UNIMPLEMENTED, retryable: false },
  method_not_allowed: { http: 405, grpc: GRPC.UNIMPLEMENTED, retryable: false },
  not_found: { http: 404, grpc: GRPC.UNIMPLEMENTED, retryable: false },
  too_many_requests: { http: 429, grpc: GRPC.UNAVAILABLE, retryable: true },
  over_limit: { http: 429, grpc: GRPC.UNAVAILABLE, retryable: true },
  memory: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  degraded: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  too_slow: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  queue_full: { http: 429, grpc: GRPC.RESOURCE_EXHAUSTED, retryable: true },
  unrouted: { http: 422, grpc: GRPC.FAILED_PRECONDITION, retryable: false },
  too_many_hops: { http: 508, grpc: GRPC.FAILED_PRECONDITION, retryable: false },
  no_target: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  no_config: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  target_rejected: { http: 500, grpc: GRPC.INTERNAL, retryable: false },
  target_failed: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  deadline: { http: 504, grpc: GRPC.DEADLINE_EXCEEDED, retryable: true },
  cancelled: { http: 503, grpc: GRPC.CANCELLED, retryable: true },
  pool_removed: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  shutting_down: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  worker_died: { http: 503, grpc: GRPC.UNAVAILABLE, retryable: true },
  internal: { http: 500, grpc: GRPC.INTERNAL, retryable: false },
} as const satisfies Record<Reason, ReplyRow>;

const DEFAULT_RETRY_MS = 1_000;

/** When the sender may try again, in milliseconds; undefined for what must not be tried again. */
export function retryDelayMs(refusal: Refusal): number | undefined {
  if (!REPLIES[refusal.reason].retryable) return undefined;
  return Math.max(1, refusal.retryAfterMs ?? DEFAULT_RETRY_MS);
}

/** The value of `Retry-After`: whole seconds, rounded up, at least 1. */
export function retryAfterSeconds(delayMs: number): number {
  return Math.max(1, Math.ceil(delayMs / 1_000));
}

/**
 * Longest text of an error. It travels twice in gRPC trailers, percent-encoded and in base64, and
 * there are clients that take no more than 8 KiB of headers.
 */
const MAX_ERROR_CHARS = 512;
/** Longest text of a partial success: far below the 4 MiB that a reply may have. */
const MAX_PARTIAL_CHARS = 16_384;

export function errorText(message: string): string {
  return truncate(message, MAX_ERROR_CHARS);
}

export function partialText(message: string): string {
  return truncate(message, MAX_PARTIAL_CHARS);
}
