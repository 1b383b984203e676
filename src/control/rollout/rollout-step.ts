import {
  CANDIDATE_BOUNDS,
  type CandidateWindow,
  type ConfigCandidate,
  ROLLOUT_STAGES,
  type RolloutStage,
} from "../../store/recipes/config-candidate-record.ts";
import { withRolledBack } from "../../store/recipes/config-candidate.ts";
import { type CanaryProblem, canaryProblem, withResults } from "./canary-results.ts";
import { chooseCanaries } from "./choose-canaries.ts";
import type { CollectorSample, FleetSample } from "./collector-sample.ts";
import { type Collectors, ROLLOUT_GATE, gateOf, judgeWindow, shareOf, windowBetween } from "./gate.ts";

/** What a leader keeps of a stage that it has begun itself: another one begins it again. */
export interface StageMemory {
  /** A window is counted from here. */
  readonly baseline?: { readonly atMs: number; readonly collectors: Collectors } | undefined;
  /** Somebody has not taken it over since then. */
  readonly waitsSinceMs?: number | undefined;
  /** Of the stage `all`: who was there when it began, and by which start. */
  readonly members?: ReadonlyMap<string, string> | undefined;
}

/** When, and by whom, it is looked at. */
export interface StepMoment {
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

/** Longer than a collector takes to find another controller, or to be gone. */
export const SETTLE_MS = 20_000;
/** Who stood still for longer has no window of 30 s. */
const LONGEST_WINDOW_MS = 2 * ROLLOUT_GATE.windowMs;

/** What is to become of a candidate: the whole decision. A look each few seconds is enough. */
export function stepRollout(
  candidate: ConfigCandidate,
  memory: StageMemory,
  fleet: FleetSample,
  at: StepMoment,
): RolloutStep {
  if (candidate.state !== "running") return stays(candidate, {});
  if (at.runs === candidate.version) return stays({ ...candidate, state: "done", reason: "" }, {});
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
  const [silent] = fleet.silent;
  if (silent !== undefined) return { waits: silentText(silent) };
  const choice = chooseCanaries(stage, candidate, fleet.collectors);
  if (choice.kind === "none") return { waits: choice.reason };
  // All that would be asked have come through a stage already: this one says nothing new.
  if (stage === "region" && candidate.stage === "node" && isKnown(choice.collectors, candidate)) {
    return tryBegin({ ...candidate, passed: withPassed(candidate, stage) }, "all", fleet, at);
  }
  const nodes = choice.collectors.map(({ id, incarnation, version }) => {
    return { id, incarnation, version, result: "waiting", reason: "" } as const;
  });
  const windows = candidate.windows.filter((window) => window.stage !== stage);
  const { epoch, wallMs: startedMs } = at;
  const lost = stage === candidate.stage ? candidate.lost : 0;
  return { begun: { ...candidate, stage, nodes, windows, epoch, startedMs, lost, reason: "" } };
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
  // Nobody was silent then; whoever is at the next look, or gone by it, is waited for as well.
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
  const lost = candidate.lost + problem.ids.length;
  if (lost > mostLost(candidate.nodes.length)) return ends({ ...candidate, lost }, problem.reason, at);
  const nodes = candidate.nodes.filter(({ id }) => !problem.ids.includes(id));
  if (nodes.length > 0) return stays({ ...candidate, lost, nodes }, {});
  // Whoever is asked next is another one, if there is another one.
  return begin(tryBegin({ ...candidate, lost }, candidate.stage, fleet, at), candidate, {}, fleet);
}

/** Of so many: nodes are restarted for other reasons, too. */
function mostLost(nodes: number): number {
  return Math.max(1, Math.floor(nodes / 10));
}

/** All are told: once those who were there run it, and a window has passed, it is what runs. */
function stepAll(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  const members = memory.members ?? membersOf(fleet.collectors);
  const lost = lostIn(members, fleet);
  if (lost > mostLost(members.size)) return ends(candidate, `${lost} nodes ${LOST} while all try it`, at);
  const late = fleet.collectors.find((one) => {
    return one.isLive && members.get(one.id) === one.incarnation && one.version !== candidate.version;
  });
  if (late !== undefined) return stillWaits(candidate, { ...memory, members }, late, at);
  const [silent] = fleet.silent;
  if (silent !== undefined) return waits(candidate, { members }, silentText(silent));
  const baseline = memory.baseline ?? { atMs: at.nowMs, collectors: new Map() };
  const isSeen = at.nowMs - baseline.atMs >= ROLLOUT_GATE.windowMs;
  if (!isSeen || candidate.paused) return stays(withoutReason(candidate), { members, baseline });
  const done = { ...candidate, state: "done", reason: "", passed: withPassed(candidate, "all") } as const;
  return { candidate: done, memory: {}, isPromoted: true };
}

/** Nobody is, as long as somebody does not answer for them. */
function lostIn(members: ReadonlyMap<string, string>, { collectors, silent }: FleetSample): number {
  if (silent.length > 0) return 0;
  const there = collectors.filter(({ id, incarnation }) => members.get(id) === incarnation);
  return members.size - there.length;
}

const LOST = "were restarted, or are gone,";

function membersOf(collectors: readonly CollectorSample[]): ReadonlyMap<string, string> {
  return new Map(collectors.flatMap((one) => (one.isLive ? [[one.id, one.incarnation] as const] : [])));
}

function stillWaits(
  candidate: ConfigCandidate,
  memory: StageMemory,
  late: Pick<CollectorSample, "id" | "version">,
  at: StepMoment,
): RolloutStep {
  const waitsSinceMs = memory.waitsSinceMs ?? at.nowMs;
  const mostMs = 2 * candidate.validForMs;
  if (at.nowMs - waitsSinceMs < mostMs) return stays(candidate, { ...memory, baseline: undefined, waitsSinceMs });
  const reason = `${late.id} has not taken it over for ${mostMs / 1_000} s, and runs version ${late.version}`;
  return ends(candidate, reason, at);
}

/** Canaries against the others, window after window. */
function stepGroup(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  const late = candidate.nodes.find(({ result }) => result !== "running");
  if (late !== undefined) return stillWaits(candidate, memory, late, at);
  const collectors: Collectors = new Map(fleet.collectors.map((one) => [one.id, one]));
  const next = { atMs: at.nowMs, collectors };
  const { baseline } = memory;
  const sinceMs = baseline === undefined ? 0 : at.nowMs - baseline.atMs;
  if (baseline === undefined || sinceMs > LONGEST_WINDOW_MS) return stays(candidate, { baseline: next });
  const isOver = sinceMs >= ROLLOUT_GATE.windowMs;
  const seen = isOver ? withWindow(candidate, baseline.collectors, collectors, at) : candidate;
  return decide(seen, { baseline: isOver ? next : baseline }, fleet, at);
}

function decide(candidate: ConfigCandidate, memory: StageMemory, fleet: FleetSample, at: StepMoment): RolloutStep {
  const windows = candidate.windows.filter(({ stage }) => stage === candidate.stage);
  const verdict = gateOf(windows.map((window) => window.verdict));
  if (verdict === "halts") return ends(candidate, worseText(windows.at(-1)), at);
  if (verdict === "waits" || candidate.paused) return stays(candidate, memory);
  const passed = { ...candidate, passed: withPassed(candidate, candidate.stage) };
  const next = ROLLOUT_STAGES[ROLLOUT_STAGES.indexOf(candidate.stage) + 1] ?? "all";
  // It stays in its stage until the next one can begin.
  return begin(tryBegin(passed, next, fleet, at), candidate, memory, fleet);
}

function withWindow(
  candidate: ConfigCandidate,
  before: Collectors,
  now: Collectors,
  { wallMs }: StepMoment,
): ConfigCandidate {
  const { stage, version, base, nodes, windows } = candidate;
  const canaries = new Set(nodes.map(({ id }) => id));
  const numbers = windowBetween(before, now, { canaries, candidate: version, base });
  const verdict = judgeWindow(numbers);
  const window: CandidateWindow = { atMs: wallMs, stage, ...numbers, verdict };
  const reason = verdict === "too_little" ? tooLittleText(window) : "";
  return { ...candidate, windows: [...windows, window].slice(-CANDIDATE_BOUNDS.windows), reason };
}

function withoutReason(candidate: ConfigCandidate): ConfigCandidate {
  return candidate.reason === "" ? candidate : { ...candidate, reason: "" };
}

function silentText(region: string): string {
  return `the controller of region ${region} does not answer, or does not know all of its nodes yet`;
}

function tooLittleText({ canary, control }: CandidateWindow): string {
  const seen = `${canary.attempted} items of those who try it, ${control.attempted} of the others`;
  return `too little traffic to tell: ${seen}, in ${ROLLOUT_GATE.windowMs / 1_000} s; it takes ${ROLLOUT_GATE.enough} of each`;
}

function worseText(window: CandidateWindow | undefined): string {
  if (window === undefined) return "";
  const [canary, control] = [window.canary, window.control].map((group) => `${(shareOf(group) * 100).toFixed(2)} %`);
  return `${canary} of the items fail where it runs, and ${control} elsewhere at the same time`;
}
