import type { CheckPlan, EjectionPlan, TargetHealthPlan } from "../../plan/target-health.ts";
import type { RetryReason } from "../send-outcome.ts";

/** Reasons of states that no failed call has caused. */
const QUIET_REASONS = [
  /** Up until proven down: the node has just started. */
  "started",
  /** Down until proven up: it joined a node that was running. */
  "added",
  /** A call succeeded. */
  "recovered",
  /** The rest after an ejection is over. */
  "rest_over",
  /** Checks passed, often enough in a row. */
  "check_passed",
  /** Checks failed, often enough in a row. */
  "check_failed",
  /** Nobody is there: it stands for members of the fleet, of which none is known. */
  "no_members",
  /** The same: it stands for members of the fleet, of which this node is one. */
  "is_itself",
  /** Its checks were switched off while they kept it down. */
  "unchecked",
  /** Too small a share of its calls succeeded. */
  "success_rate",
  /** It answers to every signal that it does not take it. */
  "no_signal",
  /** An operator wants it so. */
  "operator",
  /** The time of an operator's state is over. */
  "expired",
] as const;

/** Why a target is in its state. */
export type HealthReason = (typeof QUIET_REASONS)[number] | RetryReason;

interface Common {
  readonly reason: HealthReason;
  /** Clock.nowMs() at which the state was entered. */
  readonly sinceMs: number;
  /** Counts states: what was sent in an earlier state says nothing about this one. */
  readonly epoch: number;
  /**
   * Times it went out in close succession: each rests longer, and has to pass more checks, than the
   * one before.
   */
  readonly ejections: number;
  /** Active checks in a row: passed when positive, failed when negative. */
  readonly checks: number;
}

/**
 * The health of one target, from the outcomes of what was sent to it, from active checks, and from
 * operators.
 */
export type Health =
  | (Common & {
      readonly state: "ready";
      /** In a row. */
      readonly failures: number;
      /** The target asked to be left alone until then. */
      readonly pausedUntilMs: number;
      /** Since when it gets its weight back; -Infinity when it never lost it. */
      readonly rampFromMs: number;
    })
  | (Common & {
      readonly state: "ejected";
      readonly nextTryMs: number;
      /** A pool without any usable target may try it from here on, before `nextTryMs`. */
      readonly panicFromMs: number;
      /** Its checks failed as well as its calls, so that checks that pass mean something. */
      readonly suspect: boolean;
    })
  /**
   * Only checks bring it back. A pool without any usable target may try it from `panicFromMs` on.
   */
  | (Common & {
      readonly state: "down";
      readonly panicFromMs: number;
      /**
       * A call may find out from here on, whatever the checks say: where only the check that nobody
       * wrote was refused.
       */
      readonly probeFromMs?: number;
    })
  | (Common & {
      readonly state: "probing";
      readonly probeOut: boolean;
      /**
       * As before it: checks that pass bring it back when nothing is sent that could be the probe.
       */
      readonly suspect: boolean;
    })
  /** Operators' states; Infinity: until the next override. */
  | (Common & { readonly state: "drain" | "maintenance"; readonly untilMs: number });

/** Numbers that the machine decides by. */
export interface HealthPolicy extends EjectionPlan {
  /** Pause after throttling that names no delay. */
  readonly pauseMs: number;
  /** A target cannot silence itself for longer than this. */
  readonly maxPauseMs: number;
  /** Time between two tries of an unusable target by pools that have nothing else. */
  readonly panicMs: number;
  readonly slowStartMs: number;
  /** Without active checks: undefined. */
  readonly check: Pick<CheckPlan, "fall" | "rise" | "written"> | undefined;
}

/** Design.md section 8, without active checks. */
export const DEFAULT_HEALTH: HealthPolicy = {
  failures: 5,
  minSuccessRate: 0.8,
  minRequests: 20,
  restMs: 30_000,
  maxRestMs: 300_000,
  pauseMs: 100,
  maxPauseMs: 300_000,
  panicMs: 250,
  slowStartMs: 30_000,
  check: undefined,
};

/** What a target that comes back gets at least of its weight. */
const LEAST_SHARE = 0.1;

export function policyOf({ check, ejection, slowStartMs }: TargetHealthPlan): HealthPolicy {
  return { ...DEFAULT_HEALTH, ...ejection, slowStartMs, check };
}

/** A target that a node starts with is taken to be up until something says otherwise. */
export function initialHealth(nowMs: number, reason: "started" | "added" = "started"): Health {
  return { ...beginning(reason, nowMs), state: "ready", failures: 0, pausedUntilMs: nowMs, rampFromMs: -Infinity };
}

/**
 * One that joins later is taken to be down until a check passes; only for targets that have checks.
 */
export function addedHealth(nowMs: number): Health {
  return { ...beginning("added", nowMs), state: "down", panicFromMs: nowMs };
}

/**
 * Of an address that is back: as it was, but for what went with the calls, checks and overrides of
 * then; else `fresh`.
 */
export function resumedHealth(before: Health, fresh: Health): Health {
  if (before.state === "drain" || before.state === "maintenance") return fresh;
  return before.state === "probing" ? { ...before, probeOut: false } : before;
}

/**
 * Whether anything may be sent as usual; a probing target gets a probe instead, see `wantsProbe`.
 */
export function isUsable(health: Health, nowMs: number): boolean {
  return health.state === "ready" && nowMs >= health.pausedUntilMs;
}

/** Whether the one small batch that decides about a return may be sent. */
export function wantsProbe(health: Health): boolean {
  return health.state === "probing" && !health.probeOut;
}

/**
 * Whether a pool that has nothing better may send it one batch now. Never true for what operators
 * took out.
 */
export function mayTry(health: Health, nowMs: number): boolean {
  return (health.state === "ejected" || health.state === "down") && nowMs >= health.panicFromMs;
}

/** It joined, and no check has ended yet: nothing is known against it. */
export function isUnproven(health: Health): boolean {
  return health.state === "down" && health.reason === "added" && health.checks === 0;
}

/** How much of its weight the target gets: from 0.1 to 1 within `slowStartMs` of its return. */
export function shareOf(health: Health, nowMs: number, { slowStartMs }: HealthPolicy): number {
  if (health.state !== "ready" || slowStartMs === 0) return 1;
  return Math.min(1, Math.max(LEAST_SHARE, (nowMs - health.rampFromMs) / slowStartMs));
}

/** Since when the target could be used without a break; only for one that is usable. */
export function usableSinceMs(health: Health): number {
  return health.state === "ready" ? Math.max(health.sinceMs, health.pausedUntilMs) : health.sinceMs;
}

/**
 * When time alone changes what may be sent; Infinity when only outcomes, checks or operators can.
 */
export function nextChangeMs(health: Health, nowMs: number): number {
  switch (health.state) {
    case "ready":
      return health.pausedUntilMs > nowMs ? health.pausedUntilMs : Infinity;
    case "probing":
      return Infinity;
    case "down":
      return Math.min(health.panicFromMs > nowMs ? health.panicFromMs : Infinity, health.probeFromMs ?? Infinity);
    case "drain":
    case "maintenance":
      return health.untilMs;
    default:
      return health.panicFromMs > nowMs ? Math.min(health.panicFromMs, health.nextTryMs) : health.nextTryMs;
  }
}

/** Whether its state may be about to change, so that it is worth asking more often. */
export function isSuspect(health: Health): boolean {
  if (health.state === "ejected" || health.state === "down") return true;
  if (health.state === "probing" && health.suspect) return true;
  return health.checks < 0 || (health.state === "ready" && health.failures > 0);
}

function beginning(reason: HealthReason, nowMs: number): Common {
  return { reason, sinceMs: nowMs, epoch: 0, ejections: 0, checks: 0 };
}
