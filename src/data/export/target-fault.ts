import type { SendOutcome } from "./target-client.ts";

/** Refusals that have nothing to do with what was sent, or need not: other data meets them as well. */
const FAULTS: ReadonlySet<string> = new Set([
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
  "INTERNAL",
  "UNKNOWN",
  "HTTP 401",
  "HTTP 403",
]);

/**
 * Whether a target that refuses for good in this way is itself to blame, as far as one can tell. Not: what is said of the data
 * (INVALID_ARGUMENT, 400, 422, too large), and of a signal or a path that it does not know (UNIMPLEMENTED, 404), for it may take others.
 */
export function isTargetFault({ code, badData }: Extract<SendOutcome, { kind: "rejected" }>): boolean {
  return !badData && (FAULTS.has(code) || code.startsWith("HTTP 5"));
}
