import { isCredential } from "../../core/header-name.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { redactText } from "../../telemetry/redact.ts";
import type { SendDone } from "./target-client.ts";
import type { SendOutcome } from "../send-outcome.ts";

const REDACTED = "[redacted]";
/**
 * Shorter parts of a credential would be found in words that are none: `Basic`, names of cookies.
 */
const MIN_LENGTH = 8;

/**
 * Tells outcomes without what a target was sent as headers and may repeat in its words, which go
 * into logs and replies: the credentials of senders, and the target's own headers, whose values are
 * secrets. One for each client.
 */
export class Quiet {
  #headers: TargetPlan["headers"] = {};
  #own: readonly string[] = [];

  /** The same function where there is nothing to hide. */
  of(target: Pick<TargetPlan, "headers">, headers: SenderHeaders, done: SendDone): SendDone {
    if (target.headers !== this.#headers) {
      this.#headers = target.headers;
      this.#own = partsOf(Object.values(target.headers));
    }
    if (headers.values.length === 0 && this.#own.length === 0) return done;
    const own = this.#own;
    return (outcome, loadReport) => done(hide(outcome, own, headers), loadReport);
  }
}

/** An outcome whose words, which are the target's, tell nothing that looks like a secret. */
export function withoutSecrets(outcome: SendOutcome): SendOutcome {
  if (outcome.message === "") return outcome;
  const message = redactText(outcome.message);
  return message === outcome.message ? outcome : { ...outcome, message };
}

/** The values and their parts, the longest first. */
function partsOf(values: readonly string[]): string[] {
  const parts = values.flatMap((value) => [value, ...value.split(/[\s;=,"]+/u)]);
  return parts.filter((part) => part.length >= MIN_LENGTH).toSorted((a, b) => b.length - a.length);
}

/** Only a message needs it, which most outcomes have not. */
function hide(outcome: SendOutcome, own: readonly string[], headers: SenderHeaders): SendOutcome {
  if (outcome.message === "") return outcome;
  const credentials = headers.values.flatMap(([name, value]) => (isCredential(name) ? [value] : []));
  let { message } = outcome;
  for (const secret of [...own, ...partsOf(credentials)]) message = message.replaceAll(secret, REDACTED);
  return message === outcome.message ? outcome : { ...outcome, message };
}
