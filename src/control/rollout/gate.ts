import type { CandidateWindow, ItemAttempts, WindowVerdict } from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample } from "./collector-sample.ts";

/** When a candidate is worse than what runs, and when enough was seen to say that it is not. */
export const ROLLOUT_GATE = {
  windowMs: 30_000,
  /** Fewer failures in a window are chance. */
  failures: 20,
  /** Of the items: so much more than the others is worse. */
  margin: 0.01,
  /**
   * Items of each group in a window. A candidate that is worse by the margin has 20 failures among
   * so many: with fewer nobody could have told.
   */
  enough: 2_000,
  inARow: 2,
} as const;

/** Both groups in the same time: the canaries, and all others that run what the fleet runs. */
export type WindowNumbers = Pick<CandidateWindow, "canary" | "control">;

export function judgeWindow({ canary, control }: WindowNumbers): WindowVerdict {
  if (control.attempted === 0) return "too_little"; // there is nothing to compare with
  if (canary.failed >= ROLLOUT_GATE.failures && shareOf(canary) > shareOf(control) + ROLLOUT_GATE.margin) return "over";
  const isEnough = canary.attempted >= ROLLOUT_GATE.enough && control.attempted >= ROLLOUT_GATE.enough;
  return isEnough ? "good" : "too_little";
}

/** By the windows of one stage, oldest first. */
export function gateOf(verdicts: readonly WindowVerdict[]): "halts" | "passes" | "waits" {
  const last = verdicts.slice(-ROLLOUT_GATE.inARow);
  if (last.length < ROLLOUT_GATE.inARow) return "waits";
  if (last.every((verdict) => verdict === "over")) return "halts";
  return last.every((verdict) => verdict === "good") ? "passes" : "waits";
}

export type Collectors = ReadonlyMap<string, CollectorSample>;

export interface WindowGroups {
  /** Who tries the candidate. */
  readonly canaries: ReadonlySet<string>;
  readonly candidate: number;
  /** The version of all others. */
  readonly base: number;
}

/**
 * What has grown between two looks, of those who were there all the time and ran their version at
 * both ends. Whoever was restarted meanwhile counts from 0, and is left out.
 */
export function windowBetween(before: Collectors, now: Collectors, groups: WindowGroups): WindowNumbers {
  const canary = { attempted: 0, failed: 0 };
  const control = { attempted: 0, failed: 0 };
  for (const [id, last] of now) {
    const first = before.get(id);
    if (first === undefined || first.incarnation !== last.incarnation) continue;
    const isCanary = groups.canaries.has(id);
    const version = isCanary ? groups.candidate : groups.base;
    if (first.version !== version || last.version !== version) continue;
    if (last.attempted < first.attempted || last.failed < first.failed) continue;
    const sum = isCanary ? canary : control;
    sum.attempted += last.attempted - first.attempted;
    sum.failed += last.failed - first.failed;
  }
  return { canary, control };
}

/** Of the items that have come to an end. */
export function shareOf({ attempted, failed }: ItemAttempts): number {
  return attempted > 0 ? failed / attempted : 0;
}
