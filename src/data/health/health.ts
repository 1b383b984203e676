import { Unreachable } from "../../core/unreachable.ts";
import type { RetryReason } from "../export/target-client.ts";

/** Why a target is in its state. */
export type HealthReason = "started" | "recovered" | "rest_over" | RetryReason;

interface Common {
  readonly reason: HealthReason;
  /** Clock.nowMs() at which the state was entered. */
  readonly sinceMs: number;
  /** Counts states: what was sent in an earlier state says nothing about this one. */
  readonly epoch: number;
  /** Ejections in close succession, the last one included: each rests twice as long as the one before. */
  readonly ejections: number;
}

/** The health of one target, from the outcomes of what was sent to it. */
export type Health =
  | (Common & {
      readonly state: "ready";
      /** In a row. */
      readonly failures: number;
      /** The target asked to be left alone until then. */
      readonly pausedUntilMs: number;
    })
  | (Common & {
      readonly state: "ejected";
      readonly nextTryMs: number;
      /** A pool without any usable target may try it from here on, before `nextTryMs`. */
      readonly panicFromMs: number;
    })
  | (Common & { readonly state: "probing"; readonly probeOut: boolean });

/** `epoch` is that of the state in which the batch was sent. `jitter` is in [0, 1). */
export type HealthEvent =
  | { readonly kind: "tick" }
  | { readonly kind: "sent" }
  | { readonly kind: "success"; readonly epoch: number }
  | { readonly kind: "failure"; readonly epoch: number; readonly reason: RetryReason; readonly jitter: number }
  | { readonly kind: "throttled"; readonly epoch: number; readonly delayMs: number | undefined }
  /** Ended without saying anything about the target. */
  | { readonly kind: "neutral"; readonly epoch: number };

export interface HealthPolicy {
  /** Failures in a row that eject. */
  readonly failures: number;
  readonly restMs: number;
  readonly maxRestMs: number;
  /** Pause after throttling that names no delay. */
  readonly pauseMs: number;
  /** A target cannot silence itself for longer than this. */
  readonly maxPauseMs: number;
  /** Time between two tries of an ejected target by pools that have nothing else. */
  readonly panicMs: number;
}

export const DEFAULT_HEALTH: HealthPolicy = {
  failures: 5,
  restMs: 1_000,
  maxRestMs: 30_000,
  pauseMs: 100,
  maxPauseMs: 300_000,
  panicMs: 250,
};

/** A target is taken to be up until its sends say otherwise. */
export function initialHealth(nowMs: number): Health {
  return {
    state: "ready",
    reason: "started",
    sinceMs: nowMs,
    epoch: 0,
    ejections: 0,
    failures: 0,
    pausedUntilMs: nowMs,
  };
}

/** Pure. Returns the same object when nothing changes. */
export function stepHealth(health: Health, event: HealthEvent, nowMs: number, policy: HealthPolicy): Health {
  if ("epoch" in event && event.epoch !== health.epoch) return health; // sent before the last change: old news
  switch (event.kind) {
    case "tick":
      return onTick(health, nowMs);
    case "sent":
      return health.state === "probing" ? { ...health, probeOut: true } : health;
    case "success":
      return onSuccess(health, nowMs);
    case "failure":
      return onFailure(health, event.reason, event.jitter, nowMs, policy);
    case "throttled":
      return onThrottled(health, event.delayMs, nowMs, policy);
    case "neutral":
      return health.state === "probing" ? { ...health, probeOut: false } : health;
    default:
      throw new Unreachable(event satisfies never);
  }
}

/** Whether anything may be sent as usual; a probing target gets a probe instead, see `wantsProbe`. */
export function isUsable(health: Health, nowMs: number): boolean {
  return health.state === "ready" && nowMs >= health.pausedUntilMs;
}

/** Whether the one small batch that decides about a return may be sent. */
export function wantsProbe(health: Health): boolean {
  return health.state === "probing" && !health.probeOut;
}

/** Since when the target could be used without a break; only for one that is usable. */
export function usableSinceMs(health: Health): number {
  return health.state === "ready" ? Math.max(health.sinceMs, health.pausedUntilMs) : health.sinceMs;
}

/** When time alone changes what may be sent; Infinity when only outcomes can. */
export function nextChangeMs(health: Health, nowMs: number): number {
  if (health.state === "ready") return health.pausedUntilMs > nowMs ? health.pausedUntilMs : Infinity;
  if (health.state === "probing") return Infinity;
  return health.panicFromMs > nowMs ? Math.min(health.panicFromMs, health.nextTryMs) : health.nextTryMs;
}

function onTick(health: Health, nowMs: number): Health {
  if (health.state !== "ejected" || nowMs < health.nextTryMs) return health;
  const { epoch, ejections } = health;
  return { state: "probing", reason: "rest_over", sinceMs: nowMs, epoch: epoch + 1, ejections, probeOut: false };
}

function onSuccess(health: Health, nowMs: number): Health {
  if (health.state !== "ready") return recovered(health, nowMs, nowMs);
  return health.failures === 0 ? health : { ...health, failures: 0 };
}

function onFailure(health: Health, reason: RetryReason, jitter: number, nowMs: number, policy: HealthPolicy): Health {
  if (health.state === "ejected") return { ...health, panicFromMs: nowMs + policy.panicMs };
  if (health.state === "ready" && health.failures + 1 < policy.failures) {
    return { ...health, failures: health.failures + 1 };
  }
  // A target that stayed up for longer than the longest rest has made good for its earlier ejections.
  const forgiven = health.state === "ready" && nowMs - health.sinceMs > policy.maxRestMs;
  const ejections = (forgiven ? 0 : health.ejections) + 1;
  const restMs = Math.min(policy.maxRestMs, policy.restMs * 2 ** (ejections - 1)) * (1 - 0.2 * jitter);
  const common = { reason, sinceMs: nowMs, epoch: health.epoch + 1, ejections };
  return { ...common, state: "ejected", nextTryMs: nowMs + restMs, panicFromMs: nowMs };
}

/** The target answered, so it is there; it only wants to be left alone for a while. */
function onThrottled(health: Health, delayMs: number | undefined, nowMs: number, policy: HealthPolicy): Health {
  const untilMs = nowMs + Math.min(policy.maxPauseMs, delayMs ?? policy.pauseMs);
  if (health.state !== "ready") return recovered(health, nowMs, untilMs);
  return { ...health, failures: 0, pausedUntilMs: Math.max(health.pausedUntilMs, untilMs) };
}

function recovered(health: Health, nowMs: number, pausedUntilMs: number): Health {
  const { epoch, ejections } = health;
  const common = { reason: "recovered", sinceMs: nowMs, epoch: epoch + 1, ejections } as const;
  return { ...common, state: "ready", failures: 0, pausedUntilMs };
}
