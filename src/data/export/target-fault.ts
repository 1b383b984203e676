import type { SendOutcome } from "./target-client.ts";

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
