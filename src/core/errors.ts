import { tlsReason } from "./tls-reason.ts";

/** Faults that Signalbox reports by name. The codes are a public contract. */
export const ERROR_CODES = [
  "CONFIG_INVALID",
  "CONFIG_UNREADABLE",
  "LISTEN_FAILED",
  "TLS_INVALID",
  "TARGET_UNREACHABLE",
  "SHUTDOWN",
  "INTERRUPTED",
  "STORE_UNREACHABLE",
  "STORE_UNKNOWN",
  "STORE_REFUSED",
  "SESSION_LOST",
  "NOT_OWNER",
  "TIMED_OUT",
  "USAGE",
  "INTERNAL",
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

interface ErrorDetails {
  readonly cause?: unknown;
  readonly hint?: string;
}

/** The one error class: a closed code, a message that names the thing, a hint how to mend it. */
export class RouterError extends Error {
  override readonly name = "RouterError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** It says nothing against what was asked for: the same may be done when it is asked for again. */
export function isInterrupted(cause: unknown): cause is RouterError {
  return cause instanceof RouterError && cause.code === "INTERRUPTED";
}

/** The text of anything thrown; faults of TLS in words. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  return tlsReason(cause) ?? (cause instanceof Error ? cause.message : String(cause));
}
