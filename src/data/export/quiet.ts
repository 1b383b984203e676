import { isCredential } from "../../core/header-name.ts";
import { NO_HEADERS, type SenderHeaders } from "../../plan/sender-headers.ts";
import type { SendDone, SendOutcome } from "./target-client.ts";

const REDACTED = "[redacted]";
/** Shorter parts of a credential would be found in words that are none: `Basic`, names of cookies. */
const MIN_LENGTH = 8;

/**
 * Tells outcomes without the credentials of senders: a target may repeat what it was passed in its words, and these go into logs and
 * replies. The same function where there are none.
 */
export function quiet(headers: SenderHeaders, done: SendDone): SendDone {
  if (headers === NO_HEADERS) return done;
  const secrets = secretsOf(headers);
  return secrets.length === 0 ? done : (outcome, loadReport) => done(hide(outcome, secrets), loadReport);
}

/** The credentials and their parts, the longest first. */
function secretsOf(headers: SenderHeaders): string[] {
  const parts: string[] = [];
  for (const [name, value] of headers.entries()) {
    if (isCredential(name)) parts.push(value, ...value.split(/[\s;=,"]+/u));
  }
  return parts.filter((part) => part.length >= MIN_LENGTH).toSorted((a, b) => b.length - a.length);
}

function hide(outcome: SendOutcome, secrets: readonly string[]): SendOutcome {
  let { message } = outcome;
  for (const secret of secrets) message = message.replaceAll(secret, REDACTED);
  return message === outcome.message ? outcome : { ...outcome, message };
}
