import { Unreachable } from "../../../core/unreachable.ts";
import { SIGNALS, type Signal } from "../../../otlp/signal.ts";
import type { TargetPlan } from "../../../plan/plan.ts";
import { NO_HEADERS, senderHeaders } from "../../../plan/sender-headers.ts";
import type { CheckPlan } from "../../../plan/target-health.ts";
import { type ClientEnv, openTransport, USER_AGENT } from "../../connect/transport.ts";
import { type SendOutcome, isTargetFault } from "../../send-outcome.ts";
import type { Check, CheckedClient, CheckOutcome, EmptyExport } from "../check.ts";
import { addressFor, isUnsigned } from "./check-request.ts";
import { openGrpcCheck } from "./grpc-check.ts";
import { openHttpCheck } from "./http-check.ts";
import { openTcpCheck } from "./tcp-check.ts";

/** Opens a check of one target; `client` is the target's own. A changed check is opened anew. */
export function openCheck(check: CheckPlan, current: () => TargetPlan, client: CheckedClient, env: ClientEnv): Check {
  const at = { ...current(), url: check.url, address: addressFor(check, current()), proxy: check.proxy };
  switch (check.type) {
    case "otlp":
      return openOtlpCheck(check, current, client);
    case "http":
      return openHttpCheck(check, current, USER_AGENT, env.clock);
    case "grpc":
      return openGrpcCheck(check, current, openTransport({ ...at, ...check.connection }, env, 1));
    case "tcp":
      return openTcpCheck(at, env.clock);
    default:
      throw new Unreachable(check.type satisfies never);
  }
}

/**
 * An empty export on the target's own connection, by the way that data takes. Who takes only some
 * signals refuses the others: after a refusal the next check asks with the next signal, and who
 * takes none of them has failed.
 */
function openOtlpCheck(check: CheckPlan, current: () => TargetPlan, client: CheckedClient): Check {
  let signal: Signal = "traces";
  const own = Object.entries(check.headers);
  const headers = own.length === 0 ? NO_HEADERS : senderHeaders(own);
  /** Answers in a row, each to another signal, that said: not here. */
  let elsewhere = 0;
  return {
    run(timeoutMs, done) {
      let cancelled = false;
      const empty: EmptyExport = { signal, pieces: [], bytes: 0, items: 0, points: 0, headers };
      const end = (outcome: SendOutcome): void => {
        if (cancelled) return;
        const refused = outcome.kind === "elsewhere";
        elsewhere = refused ? Math.min(SIGNALS.length, elsewhere + 1) : 0;
        const isUnheard = outcome.kind === "rejected" && isUnsigned(outcome.code, check, current());
        const checked: CheckOutcome = isUnheard
          ? { result: "passed", said: outcome.message }
          : outcomeOf(outcome, elsewhere === SIGNALS.length);
        const isAnswer = outcome.kind !== "retry";
        done(isAnswer ? { ...checked, asked: { signal: empty.signal, elsewhere: refused } } : checked);
        if (refused || outcome.kind === "rejected") signal = after(empty.signal);
      };
      let cancel = client.send(empty, timeoutMs, (outcome) => {
        const isStale = outcome.kind === "retry" && outcome.reason === "stale" && !cancelled;
        if (isStale) cancel = client.send(empty, timeoutMs, end);
        else end(outcome);
      });
      return () => {
        cancelled = true;
        cancel();
      };
    },
    async [Symbol.asyncDispose]() {
      // The client is the target's.
    },
  };
}

/**
 * Whatever tells that requests are read and answered is good; only what real data would not survive
 * is not.
 */
function outcomeOf(outcome: SendOutcome, takesNothing: boolean): CheckOutcome {
  switch (outcome.kind) {
    case "accepted":
      return { result: "passed", said: outcome.message };
    case "too_large":
      return { result: "passed", said: outcome.message }; // a quota is used up, and the target is there
    case "retry":
      if (outcome.reason === "throttled") return { result: "passed", said: outcome.message };
      return { result: outcome.reason === "timeout" ? "timeout" : "failed", said: outcome.message };
    case "elsewhere":
      return { result: takesNothing ? "failed" : "passed", said: outcome.message };
    case "rejected":
      return { result: isTargetFault(outcome) ? "failed" : "passed", said: outcome.message };
    default:
      throw new Unreachable(outcome satisfies never);
  }
}

function after(signal: Signal): Signal {
  return SIGNALS[(SIGNALS.indexOf(signal) + 1) % SIGNALS.length]!;
}
