import type { Signal } from "../../otlp/signal.ts";
import type { SenderHeaders } from "../../plan/sender-headers.ts";
import type { CallNews } from "../health/silence.ts";
import type { CallEnd, SentCall } from "../load/target-load.ts";
import { isUnreasonable } from "./learned-size.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { isTargetFault } from "../send-outcome.ts";

/** Timers may fire so much early. */
const TIMER_MS = 2;

/** A call under way, with what is needed to check its outcome. */
export interface SentToTarget extends SentCall {
  readonly signal: Signal;
  /** It is the probe of a signal that is refused. */
  readonly asks: boolean;
  /** Of the state of health in which it left. */
  readonly epoch: number;
  /** Whether a timeout would be the target's. */
  readonly telling: boolean;
  /** What the target was passed of its sender's headers; undefined where it is passed none. */
  readonly tenant: SenderHeaders | undefined;
}

/** How the call counts in what is measured of the target. */
export function endOf(outcome: SendOutcome, { telling, bytes }: SentToTarget): CallEnd {
  if (outcome.kind === "too_large") {
    if (outcome.doubt === "bad_data") return { kind: "answered" };
    return { kind: isUnreasonable(outcome.doubt, bytes) ? "failed" : "neutral" };
  }
  // It may be for what is in one of several requests; but then these are sent again alone
  // (queue/settle.ts), and outweigh it.
  if (outcome.kind === "rejected" && isTargetFault(outcome)) return { kind: "failed" };
  // Fast as it is, it draws no load.
  if (outcome.kind === "elsewhere") return { kind: "failed" };
  if (outcome.kind !== "retry") return { kind: "answered" };
  if (outcome.reason === "cancelled" || outcome.reason === "stale" || isCutShort(outcome)) return { kind: "neutral" };
  if (outcome.reason === "timeout" && !telling) return { kind: "neutral" };
  return outcome.reason === "throttled" ? { kind: "throttled", afterMs: outcome.afterMs } : { kind: "failed" };
}

/** What was heard of the target, for the watch over its silence. */
export function newsOf(outcome: SendOutcome): CallNews {
  if (outcome.kind !== "retry") return "heard";
  if (isCutShort(outcome)) return "timeout"; // nothing was heard, for so long
  if (outcome.reason === "stale") return "cancelled"; // of an end of the connection long before, perhaps
  return outcome.reason === "timeout" || outcome.reason === "cancelled" ? outcome.reason : "heard";
}

/** It was ended early to leave room for another target. */
export function isCutShort(outcome: SendOutcome): boolean {
  return outcome.kind === "retry" && outcome.reason === "cut_short";
}

/** A call that was ended before its time. What the target itself has said before that stands. */
export function cutShort(outcome: SendOutcome, cutMs: number, nowMs: number): SendOutcome {
  if (outcome.kind !== "retry" || outcome.reason !== "timeout" || nowMs < cutMs - TIMER_MS) return outcome;
  return {
    ...outcome,
    reason: "cut_short",
    message: `${outcome.message}: ended early, to leave time for another target`,
  };
}

/** The outcome as a label of metrics. */
export function outcomeLabel(outcome: SendOutcome): string {
  return outcome.kind === "retry" ? outcome.reason : outcome.kind;
}
