import type { CandidateWindow, ItemAttempts, WindowVerdict } from "../../store/recipes/config-candidate-record.ts";
import type { CollectorSample } from "./collector-sample.ts";

/** When a candidate is worse than what runs, and when enough was seen to say that it is not. */
export const ROLLOUT_GATE = {
  /** Of a window; where nodes report seldom, two of their Reports are in it. */
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
  /** Items of the others: among fewer what is usual is not known, and nothing is worse than it. */
  leastControl: 200,
  /** Of what is to be sent: so much more than the others that came to wait is in doubt. */
  backlog: 0.05,
  inARow: 2,
} as const;

/** Both groups in the same time: the canaries, and all others that run what the fleet runs. */
export type WindowNumbers = Pick<CandidateWindow, "canary" | "control">;

export function evaluateWindow(numbers: WindowNumbers): WindowVerdict {
  const { canary, control } = numbers;
  if (control.attempted < ROLLOUT_GATE.leastControl) return "too_little"; // there is nothing to compare with
  if (canary.failed >= ROLLOUT_GATE.failures && shareOf(canary) > shareOf(control) + ROLLOUT_GATE.margin) return "over";
  if (doubtOf(numbers) !== undefined) return "doubtful";
  const isEnough = canary.attempted >= ROLLOUT_GATE.enough && control.attempted >= ROLLOUT_GATE.enough;
  return isEnough ? "good" : "too_little";
}

/** What speaks against calling it good, though of the items that came to an end no more failed. */
export function doubtOf({ canary, control }: WindowNumbers): "backlog" | "refused" | undefined {
  const { failures, margin, backlog } = ROLLOUT_GATE;
  const { waiting = 0, refused = 0 } = canary;
  if (waiting >= failures && waitingShare(canary) > waitingShare(control) + backlog) return "backlog";
  return refused >= failures && refusedShare(canary) > refusedShare(control) + margin ? "refused" : undefined;
}

/** By the windows of one stage, oldest first. */
export function gateOf(verdicts: readonly WindowVerdict[]): "halts" | "passes" | "waits" {
  const last = verdicts.slice(-ROLLOUT_GATE.inARow);
  if (last.length < ROLLOUT_GATE.inARow) return "waits";
  if (last.every((verdict) => verdict === "over")) return "halts";
  return last.every((verdict) => verdict === "good") ? "passes" : "waits";
}

/** Of the newest windows of a stage: as many as were counted without a break between them. */
export function verdictsInARow(
  windows: readonly CandidateWindow[],
  stage: CandidateWindow["stage"],
): readonly WindowVerdict[] {
  const ofStage = windows.filter((window) => window.stage === stage);
  const first = ofStage.findLastIndex(({ follows }) => !follows);
  return ofStage.slice(Math.max(0, first)).map(({ verdict }) => verdict);
}

export type Collectors = ReadonlyMap<string, CollectorSample>;

/** A window has what the slowest of those who are compared tells in two Reports. */
export function windowMsOf(collectors: Iterable<Pick<CollectorSample, "reportMs">>): number {
  let slowestMs = 0;
  for (const { reportMs } of collectors) slowestMs = Math.max(slowestMs, reportMs);
  return Math.max(ROLLOUT_GATE.windowMs, 2 * slowestMs);
}

interface WindowGroups {
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
  const [canary, control] = [noGrowth(), noGrowth()];
  for (const [id, last] of now) {
    const first = before.get(id);
    if (first === undefined || first.incarnation !== last.incarnation) continue;
    const isCanary = groups.canaries.has(id);
    const version = isCanary ? groups.candidate : groups.base;
    if (first.version !== version || last.version !== version) continue;
    if (COUNTED.some((name) => last[name] < first[name])) continue;
    const sum = isCanary ? canary : control;
    for (const name of COUNTED) sum[name] += last[name] - first[name];
    sum.waiting += last.waiting - first.waiting;
  }
  for (const sum of [canary, control]) sum.waiting = Math.max(0, sum.waiting);
  return { canary, control };
}

const COUNTED = ["attempted", "failed", "requests", "refused"] as const;

function noGrowth(): Record<"waiting" | (typeof COUNTED)[number], number> {
  return { attempted: 0, failed: 0, waiting: 0, requests: 0, refused: 0 };
}

/** Of the items that have come to an end. */
export function shareOf({ attempted, failed }: ItemAttempts): number {
  return attempted > 0 ? failed / attempted : 0;
}

/** Of the items that were to come to an end: those by which the queues have grown. */
export function waitingShare({ attempted, waiting = 0 }: ItemAttempts): number {
  return waiting > 0 ? waiting / (attempted + waiting) : 0;
}

/** Of the requests; some are refused before there is one to count. */
export function refusedShare({ requests = 0, refused = 0 }: ItemAttempts): number {
  return refused > 0 ? refused / Math.max(requests, refused) : 0;
}
