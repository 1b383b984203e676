import { Unreachable } from "../../core/unreachable.ts";
import type { RetryReason } from "../send-outcome.ts";
import type { Health, HealthPolicy, HealthReason } from "./health.ts";

/** Calls that ended in the last 10 s, in the present state. */
export interface Recent {
  readonly sends: number;
  readonly failures: number;
}

/** `epoch` is that of the state in which the batch was sent. `jitter` is in [0, 1). */
export type HealthEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "sent" }
  | { readonly kind: "success"; readonly epoch: number; readonly recent: Recent }
  | {
      readonly kind: "failure";
      readonly epoch: number;
      readonly reason: RetryReason;
      readonly jitter: number;
      readonly recent: Recent;
    }
  /**
   * Answered with a refusal that is the target's fault, as far as one can tell
   * (data/send-outcome.ts).
   */
  | { readonly kind: "refused"; readonly epoch: number; readonly jitter: number; readonly recent: Recent }
  | { readonly kind: "throttled"; readonly epoch: number; readonly delayMs: number | undefined }
  /** It has told of every signal that it does not take it. */
  | { readonly kind: "no_signal"; readonly epoch: number; readonly jitter: number }
  /** Ended without saying anything about the target. */
  | { readonly kind: "neutral"; readonly epoch: number }
  | { readonly kind: "check_passed" }
  /**
   * `silent`: calls wait for answers, too, and none has come for a while. Then one check is enough.
   * `answered`: it was refused, so that the target is there.
   */
  | { readonly kind: "check_failed"; readonly silent?: boolean; readonly answered?: boolean }
  /** There are no active checks from now on. */
  | { readonly kind: "unchecked" }
  /** `untilMs` is in Clock.nowMs(); Infinity: until the next override. */
  | { readonly kind: "operator"; readonly override: "ready" | "drain" | "maintenance"; readonly untilMs: number };

/**
 * Pure. Returns the same object when nothing changes. docs/health.md has the table of all
 * transitions.
 */
export function stepHealth(health: Health, event: HealthEvent, nowMs: number, policy: HealthPolicy): Health {
  if ("epoch" in event && event.epoch !== health.epoch) return health; // sent before the last change: old news
  switch (event.kind) {
    case "tick":
      return onTick(health, nowMs, policy);
    case "sent":
      return health.state === "probing" ? { ...health, probeOut: true } : health;
    case "success":
      return onSuccess(health, event.recent, nowMs, policy);
    case "failure":
      return onFailure(health, event, nowMs, policy);
    case "refused":
      return onRefused(health, event.jitter, event.recent, nowMs, policy);
    case "throttled":
      return onThrottled(health, event.delayMs, nowMs, policy);
    case "no_signal":
      if (health.state !== "ready" && health.state !== "probing") return health;
      return eject(health, "no_signal", event.jitter, nowMs, policy);
    case "neutral":
      return health.state === "probing" ? { ...health, probeOut: false } : health;
    case "check_passed":
      return onCheckPassed(health, nowMs, policy);
    case "check_failed":
      return onCheckFailed(health, event, nowMs, policy);
    case "unchecked":
      return onUnchecked(health, nowMs);
    case "operator":
      return onOperator(health, event.override, event.untilMs, nowMs);
    default:
      throw new Unreachable(event satisfies never);
  }
}

function onTick(health: Health, nowMs: number, policy: HealthPolicy): Health {
  switch (health.state) {
    case "ejected":
      return nowMs < health.nextTryMs ? health : probing(health, "rest_over", health.suspect, nowMs);
    case "down":
      return nowMs < (health.probeFromMs ?? Infinity) ? health : probing(health, "rest_over", true, nowMs);
    case "drain":
    case "maintenance": {
      if (nowMs < health.untilMs) return health;
      const failed = policy.check !== undefined && health.checks <= -policy.check.fall;
      return failed ? down(health, health.ejections, nowMs) : ready(health, "expired", nowMs);
    }
    default:
      return health;
  }
}

function onSuccess(health: Health, recent: Recent, nowMs: number, policy: HealthPolicy): Health {
  switch (health.state) {
    case "ready":
      if (isBelow(recent, policy)) return eject(health, "success_rate", 0, nowMs, policy);
      return health.failures === 0 ? health : { ...health, failures: 0 };
    case "ejected":
    case "probing":
      return ready(health, "recovered", nowMs);
    case "down":
      return overrules(policy) ? ready(health, "recovered", nowMs) : health;
    default:
      return health;
  }
}

function onFailure(
  health: Health,
  { reason, jitter, recent }: { readonly reason: RetryReason; readonly jitter: number; readonly recent: Recent },
  nowMs: number,
  policy: HealthPolicy,
): Health {
  switch (health.state) {
    case "ready":
      if (health.failures + 1 >= policy.failures) return eject(health, reason, jitter, nowMs, policy);
      if (isBelow(recent, policy)) return eject(health, "success_rate", jitter, nowMs, policy);
      return { ...health, failures: health.failures + 1 };
    case "probing":
      return eject(health, reason, jitter, nowMs, policy);
    case "ejected":
    case "down":
      return { ...health, panicFromMs: nowMs + policy.panicMs };
    default:
      return health;
  }
}

/**
 * Some data makes some targets stumble: so refusals never count in a row, only in the share, which
 * one sender's bad data does not move far. A probe that is refused proves nothing, and the rest
 * goes on.
 */
function onRefused(health: Health, jitter: number, recent: Recent, nowMs: number, policy: HealthPolicy): Health {
  switch (health.state) {
    case "ready":
      return isBelow(recent, policy) ? eject(health, "success_rate", jitter, nowMs, policy) : health;
    case "probing":
      return eject(health, "success_rate", jitter, nowMs, policy);
    case "ejected":
    case "down":
      return { ...health, panicFromMs: nowMs + policy.panicMs };
    default:
      return health;
  }
}

/** The target answered, so it is there; it only wants to be left alone for a while. */
function onThrottled(health: Health, delayMs: number | undefined, nowMs: number, policy: HealthPolicy): Health {
  const untilMs = nowMs + Math.min(policy.maxPauseMs, delayMs ?? policy.pauseMs);
  switch (health.state) {
    case "ready":
      return { ...health, failures: 0, pausedUntilMs: Math.max(health.pausedUntilMs, untilMs) };
    case "ejected":
    case "probing":
      return { ...ready(health, "recovered", nowMs), pausedUntilMs: untilMs };
    case "down":
      if (overrules(policy)) return { ...ready(health, "recovered", nowMs), pausedUntilMs: untilMs };
      return { ...health, panicFromMs: Math.max(health.panicFromMs, untilMs) };
    default:
      return health;
  }
}

function onCheckPassed(health: Health, nowMs: number, policy: HealthPolicy): Health {
  const { check } = policy;
  if (check === undefined || health.state === "maintenance") return health;
  // Nobody counts further than to what the most unsteady target has to show.
  const most = check.rise * maxEjections(policy);
  const checks = health.checks > 0 ? Math.min(most, health.checks + 1) : 1;
  const wanted = check.rise * Math.max(1, health.ejections);
  switch (health.state) {
    case "ejected":
      // A check that passed all the time knows nothing of what ails the calls: it must not end the
      // rest. These passes are spent: without a probe as many more have to follow.
      if (health.suspect && checks >= wanted) return probing({ ...health, checks: 0 }, "check_passed", true, nowMs);
      break;
    case "probing":
      // Nothing is sent that could be the probe.
      if (health.suspect && !health.probeOut && checks >= wanted)
        return ready({ ...health, checks }, "check_passed", nowMs);
      break;
    case "down":
      if (checks >= (health.reason === "added" ? 1 : wanted))
        return ready({ ...health, checks }, "check_passed", nowMs);
      break;
    default:
  }
  return checks === health.checks ? health : { ...health, checks };
}

function onCheckFailed(
  health: Health,
  { silent = false, answered = false }: { readonly silent?: boolean; readonly answered?: boolean },
  nowMs: number,
  policy: HealthPolicy,
): Health {
  const { check } = policy;
  if (check === undefined || health.state === "maintenance") return health;
  const checks = silent ? -check.fall : Math.max(-check.fall, Math.min(0, health.checks) - 1);
  const fallen = checks === -check.fall;
  const next = checks === health.checks ? health : { ...health, checks };
  // An empty export that nobody asked for proves less than data: who answers it, though with a
  // refusal, is tried with data.
  const halfOpen = answered && !check.written;
  const probeFrom = (ejections: number): { readonly probeFromMs?: number } =>
    halfOpen ? { probeFromMs: nowMs + Math.min(policy.maxRestMs, policy.restMs * Math.max(1, ejections)) } : {};
  switch (next.state) {
    case "ready": {
      const ejections = ejectionsAfter(next, nowMs, policy);
      return fallen ? { ...down(next, ejections, nowMs), ...probeFrom(ejections) } : next;
    }
    case "probing":
      return fallen && !halfOpen ? down(next, next.ejections, nowMs) : next;
    case "ejected":
      if (fallen) return { ...down(next, next.ejections, nowMs), ...probeFrom(next.ejections) };
      return next.suspect ? next : { ...next, suspect: true };
    default:
      return next;
  }
}

/** Nobody asks it any more: calls have to find out. */
function onUnchecked(health: Health, nowMs: number): Health {
  if (health.state === "down") return probing({ ...health, checks: 0 }, "unchecked", true, nowMs);
  return health.checks === 0 ? health : { ...health, checks: 0 };
}

function onOperator(
  health: Health,
  override: "ready" | "drain" | "maintenance",
  untilMs: number,
  nowMs: number,
): Health {
  if (override === "ready") {
    if (health.state === "ready") return health;
    // The operator answers for it: what was held against it is forgotten.
    return ready({ ...health, ejections: 0, checks: 0 }, "operator", nowMs);
  }
  if (health.state === override) return { ...health, untilMs };
  return { ...entered(health, "operator", health.ejections, nowMs), state: override, untilMs };
}

function ready(health: Health, reason: HealthReason, nowMs: number): Extract<Health, { state: "ready" }> {
  const common = entered(health, reason, health.ejections, nowMs);
  return { ...common, state: "ready", failures: 0, pausedUntilMs: nowMs, rampFromMs: nowMs };
}

function eject(health: Health, reason: HealthReason, jitter: number, nowMs: number, policy: HealthPolicy): Health {
  const ejections = ejectionsAfter(health, nowMs, policy);
  // Less by up to a fifth, so that targets that went out together do not come back together.
  const restMs = Math.min(policy.maxRestMs, policy.restMs * ejections) * (1 - 0.2 * jitter);
  const common = entered(health, reason, ejections, nowMs);
  return { ...common, state: "ejected", nextTryMs: nowMs + restMs, panicFromMs: nowMs, suspect: health.checks < 0 };
}

function down(health: Health, ejections: number, nowMs: number): Extract<Health, { state: "down" }> {
  return { ...entered(health, "check_failed", ejections, nowMs), state: "down", panicFromMs: nowMs };
}

function probing(health: Health, reason: HealthReason, suspect: boolean, nowMs: number): Health {
  return { ...entered(health, reason, health.ejections, nowMs), state: "probing", probeOut: false, suspect };
}

function entered(health: Health, reason: HealthReason, ejections: number, nowMs: number) {
  return { reason, sinceMs: nowMs, epoch: health.epoch + 1, ejections, checks: health.checks };
}

/** One more, after those that were not made good for by being ready: one for each rest's time. */
function ejectionsAfter(health: Health, nowMs: number, policy: HealthPolicy): number {
  const made = health.state === "ready" ? Math.floor((nowMs - health.sinceMs) / policy.restMs) : 0;
  return Math.min(maxEjections(policy), Math.max(0, health.ejections - made) + 1);
}

function maxEjections({ restMs, maxRestMs }: HealthPolicy): number {
  return Math.ceil(maxRestMs / restMs);
}

function isBelow({ sends, failures }: Recent, policy: HealthPolicy): boolean {
  return sends >= policy.minRequests && sends - failures < policy.minSuccessRate * sends;
}

/**
 * Calls take the same way as the check that nobody wrote, and prove more. Checks that were written
 * are obeyed.
 */
function overrules({ check }: HealthPolicy): boolean {
  return check?.written !== true;
}
