import {
  CANDIDATE_BOUNDS,
  type CandidateWindow,
  type ConfigCandidate,
  ROLLOUT_STAGES,
  type RolloutStage,
} from "../../store/recipes/config-candidate-record.ts";
import { withoutRolledBack, withRolledBack } from "../../store/recipes/config-candidate.ts";
import { areTooMany, type CanaryProblem, canaryProblem, goneOf, withResults } from "./canary-results.ts";
import { chooseCanaries } from "./choose-canaries.ts";
import type { CollectorSample, FleetSample } from "./collector-sample.ts";
import { type Collectors, gateOf, evaluateWindow, verdictsInARow, windowBetween, windowMsOf } from "./gate.ts";
import {
  goneText,
  lateText,
  NO_NODE_RUNS_IT,
  PAUSED_BEFORE,
  PAUSED_WITHOUT,
  silentText,
  windowText,
  worseText,
} from "./rollout-text.ts";

/** What a leader keeps of a stage that it has begun itself: another one begins it again. */
export interface StageMemory {
  /** A window is counted from here. */
  readonly baseline?: WindowBegin | undefined;
  /** Somebody has not taken it over since then. */
  readonly waitsSinceMs?: number | undefined;
  /** Of the stage `all`: who was there when it began, and by which start. */
  readonly members?: ReadonlyMap<string, string> | undefined;
}

interface WindowBegin {
  readonly atMs: number;
  readonly collectors: Collectors;
  /** Another window has ended here: both are in a row. */
  readonly follows: boolean;
}

/** When, and by whom, it is looked at. */
interface StepMoment {
  readonly nowMs: number;
  readonly wallMs: number;
  /** Of the leadership. */
  readonly epoch: string;
  /** How long it has led: before that those who report somewhere are not all known. */
  readonly ledMs: number;
  /** What the pointer names. */
  readonly runs: number;
}

export interface RolloutStep {
  /** The same object: nothing is different. */
  readonly candidate: ConfigCandidate;
  readonly memory: StageMemory;
  /** The pointer is to move to it: this and what becomes of the candidate are one write. */
  readonly isPromoted: boolean;
}

/**
 * Until it is known who leads the regions. Who has just come to lead one says so, as long as not
 * all of its collectors may have come to it: that region is silent (`RegionService`).
 */
export const SETTLE_MS = 20_000;
/** Whoever has not taken it over for so long is told of by name. */
const TELL_LATE_MS = 30_000;

/** What is to become of a candidate: the whole decision. A sample each few seconds is enough. */
export function stepRollout(
  candidate: ConfigCandidate,
  memory: StageMemory,
  fleet: FleetSample,
  at: StepMoment,
): RolloutStep {
  if (candidate.state !== "running") return stays(candidate, {});
  if (at.runs === candidate.version) return stays(done(candidate), {});
  if (at.runs !== candidate.base) {
    const reason = `version ${at.runs} was published meanwhile`;
    return stays({ ...candidate, state: "superseded", reason }, {});
  }
  const isOthers = candidate.epoch !== at.epoch;
  if (isOthers && at.ledMs < SETTLE_MS) return stays(candidate, {});
  const told = withResults(candidate, fleet.collectors);
  // Also of a stage that another leader began: it may have ended with who tried it.
  const problem = canaryProblem(told, fleet);
  if (problem !== undefined) return afterProblem(told, problem, fleet, at);
  if (isOthers) return begin(tryBegin(told, told.stage, fleet, at), told, {}, fleet);
  return told.stage === "all" ? stepAll(told, memory, fleet, at) : stepGroup(told, memory, fleet, at);
}

/** All run it: its document is tried in vain no more. */
function done(candidate: ConfigCandidate): ConfigCandidate {
  return { ...withoutRolledBack(candidate, candidate.sha256), state: "done", reason: "" };
}

/** It is rolled back, for a reason that people read. */
export function rolledBack(candidate: ConfigCandidate, reason: string, wallMs: number): ConfigCandidate {
  const cut = reason.slice(0, CANDIDATE_BOUNDS.reason);
  return withRolledBack({ ...candidate, state: "rolled_back", reason: cut }, cut, wallMs);
}

function stays(candidate: ConfigCandidate, memory: StageMemory): RolloutStep {
  return { candidate, memory, isPromoted: false };
}

function ends(candidate: ConfigCandidate, reason: string, { wallMs }: StepMoment): RolloutStep {
  return stays(rolledBack(candidate, reason, wallMs), {});
}

function waits(candidate: ConfigCandidate, memory: StageMemory, reason: string): RolloutStep {
  return stays(candidate.reason === reason ? candidate : { ...candidate, reason }, memory);
}

/** A stage that begins, or why it cannot. */
type StageBegin = { readonly begun: ConfigCandidate } | { readonly waits: string };

/** From nothing: what was seen of this stage before does not count. */
function tryBegin(candidate: ConfigCandidate, stage: RolloutStage, fleet: FleetSample, at: StepMoment): StageBegin {
  if (candidate.paused && candidate.epoch === "") return { waits: PAUSED_BEFORE };
  const [silent] = fleet.silent;
  if (silent !== undefined) return { waits: silentText(silent) };
  // Another leader has begun it, and it is paused: nobody else is asked.
  if (candidate.paused && stage !== "all") return { begun: begunWith(candidate, stage, candidate, at) };
  const choice = chooseCanaries(stage, candidate, fleet.collectors);
  if (choice.kind === "none") return { waits: choice.reason };
  // All that would be asked have come through a stage already: this one says nothing new.
  if (stage === "region" && candidate.stage === "node" && isKnown(choice.collectors, candidate)) {
    return tryBegin({ ...candidate, passed: withPassed(candidate, stage) }, "all", fleet, at);
  }
  const nodes = choice.collectors.map(({ id, incarnation, version }) => {
    return { id, incarnation, version, result: "waiting", reason: "" } as const;
  });
  const region = choice.collectors[0]?.region ?? "";
  return { begun: begunWith(candidate, stage, { nodes, region }, at) };
}

function begunWith(
  candidate: ConfigCandidate,
  stage: RolloutStage,
  { nodes, region }: Pick<ConfigCandidate, "nodes" | "region">,
  { epoch, wallMs: startedMs }: StepMoment,
): ConfigCandidate {
  const windows = candidate.windows.filter((window) => window.stage !== stage);
  const gone = stage === candidate.stage ? {} : { lost: 0, left: 0 };
  return { ...candidate, ...gone, stage, nodes, region, windows, epoch, startedMs, reason: "" };
}

/** Where it cannot begin, `otherwise` is what goes on. */
function begin(
  beginning: StageBegin,
  otherwise: ConfigCandidate,
  memory: StageMemory,
  fleet: FleetSample,
): RolloutStep {
  if (!("begun" in beginning)) return waits(otherwise, memory, beginning.waits);
  const { begun } = beginning;
  // Nobody was silent then; whoever is at the next sample, or gone by it, is waited for as well.
  return stays(begun, begun.stage === "all" ? { members: membersOf(fleet.collectors) } : {});
}

function isKnown(collectors: readonly CollectorSample[], { nodes }: ConfigCandidate): boolean {
  return collectors.every((one) =>
    nodes.some(({ id, incarnation }) => id === one.id && incarnation === one.incarnation),
  );
}

function withPassed({ passed }: ConfigCandidate, stage: RolloutStage): readonly RolloutStage[] {
  return ROLLOUT_STAGES.filter((one) => one === stage || passed.includes(one));
}

function afterProblem(
  candidate: ConfigCandidate,
  problem: CanaryProblem,
  fleet: FleetSample,
  at: StepMoment,
): RolloutStep {
  if (problem.kind === "refused") return ends(candidate, problem.reason, at);
  const [lost, left] = [candidate.lost + problem.lost.length, candidate.left + problem.left.length];
  const began = candidate.nodes.length + candidate.lost + candidate.left;
  const tooMany = areTooMany({ lost, left }, began);
  if (tooMany !== undefined) return ends({ ...candidate, lost, left }, goneText(tooMany, problem[tooMany]), at);
  const isGone = new Set([...problem.lost, ...problem.left]);
  const nodes = candidate.nodes.filter(({ id }) => !isGone.has(id));
  if (nodes.length > 0) return stays({ ...candidate, lost, left, nodes }, {});
  if (candidate.paused) return waits(candidate, {}, PAUSED_WITHOUT);
  // Whoever is asked next is another one, if there is another one.
  return begin(tryBegin({ ...candidate, lost, left }, candidate.stage, fleet, at), candidate, {}, fleet);
}

/** All are told: once those who were there run it, and a window has passed, it is what runs. */
function stepAll(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  const members = memory.members ?? membersOf(fleet.collectors);
  const gone = goneOf(members, fleet);
  const tooMany = areTooMany(gone, members.size);
  if (tooMany !== undefined) {
    const { lost, left } = gone;
    return ends({ ...candidate, lost, left }, goneText(tooMany, gone[tooMany]), at);
  }
  // Whoever is only suspect is waited for as well: it is back, or gone, in a moment.
  const isLate = (one: CollectorSample): boolean =>
    members.get(one.id) === one.incarnation && one.version !== candidate.version;
  const late = fleet.collectors.find(isLate);
  if (late !== undefined) return stillWaits(candidate, { ...memory, members }, late, at);
  const [silent] = fleet.silent;
  if (silent !== undefined) return waits(candidate, { members }, silentText(silent));
  if (!fleet.collectors.some(({ version }) => version === candidate.version)) {
    return waits(candidate, { members }, NO_NODE_RUNS_IT);
  }
  const baseline = memory.baseline ?? { atMs: at.nowMs, collectors: new Map(), follows: false };
  const isSeen = at.nowMs - baseline.atMs >= windowMsOf(fleet.collectors);
  if (!isSeen || candidate.paused) return waits(candidate, { members, baseline }, "");
  return { candidate: { ...done(candidate), passed: withPassed(candidate, "all") }, memory: {}, isPromoted: true };
}

/** Those too that have not reported for a moment. */
function membersOf(collectors: readonly CollectorSample[]): ReadonlyMap<string, string> {
  return new Map(collectors.map(({ id, incarnation }) => [id, incarnation]));
}

/** Too long, and it is rolled back. */
function stillWaits(
  candidate: ConfigCandidate,
  memory: StageMemory,
  late: Pick<CollectorSample, "id" | "version">,
  at: StepMoment,
): RolloutStep {
  const waitsSinceMs = memory.waitsSinceMs ?? at.nowMs;
  const waitedMs = at.nowMs - waitsSinceMs;
  const mostMs = 2 * candidate.validForMs;
  if (waitedMs >= mostMs) return ends(candidate, lateText(late, `for ${mostMs / 1_000} s`), at);
  const kept = { ...memory, baseline: undefined, waitsSinceMs };
  return waitedMs < TELL_LATE_MS ? stays(candidate, kept) : waits(candidate, kept, lateText(late, "yet"));
}

/** Canaries against the others, window after window. */
function stepGroup(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  const late = candidate.nodes.find(({ result }) => result !== "running");
  if (late !== undefined) return stillWaits(candidate, memory, late, at);
  const collectors: Collectors = new Map(fleet.collectors.map((one) => [one.id, one]));
  const windowMs = windowMsOf(fleet.collectors);
  const { baseline } = memory;
  const sinceMs = baseline === undefined ? 0 : at.nowMs - baseline.atMs;
  // Who stood still for long has no window: what comes then is in no row with what was before.
  if (baseline === undefined || sinceMs > 2 * windowMs) {
    return waits(candidate, { baseline: { atMs: at.nowMs, collectors, follows: false } }, "");
  }
  if (sinceMs < windowMs) return decide(candidate, { baseline }, fleet, at);
  const seen = withWindow(candidate, baseline, collectors, at);
  return decide(seen, { baseline: { atMs: at.nowMs, collectors, follows: true } }, fleet, at);
}

function decide(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  // A window was counted since the break, if there was one.
  const isInARow = memory.baseline?.follows === true;
  const verdict = isInARow ? gateOf(verdictsInARow(candidate.windows, candidate.stage)) : "waits";
  if (verdict === "halts") return ends(candidate, worseText(candidate.windows.at(-1)), at);
  if (verdict === "waits" || candidate.paused) return stays(candidate, memory);
  const passed = { ...candidate, passed: withPassed(candidate, candidate.stage) };
  const next = ROLLOUT_STAGES[ROLLOUT_STAGES.indexOf(candidate.stage) + 1] ?? "all";
  // It stays in its stage until the next one can begin.
  return begin(tryBegin(passed, next, fleet, at), candidate, memory, fleet);
}

function withWindow(
  candidate: ConfigCandidate,
  { atMs, collectors: before, follows }: WindowBegin,
  now: Collectors,
  at: StepMoment,
): ConfigCandidate {
  const { stage, version, base, nodes, windows } = candidate;
  const canaries = new Set(nodes.map(({ id }) => id));
  const numbers = windowBetween(before, now, { canaries, candidate: version, base });
  const verdict = evaluateWindow(numbers);
  const window: CandidateWindow = { atMs: at.wallMs, stage, ...numbers, verdict, follows };
  const reason = windowText(window, at.nowMs - atMs);
  return { ...candidate, windows: [...windows, window].slice(-CANDIDATE_BOUNDS.windows), reason };
}
