import type { Case } from "../case.ts";
import { caseNamed } from "../cases.ts";
import { openRig } from "../rig.ts";
import type { Rig, RigLoad } from "../rig.ts";
import { CHANGES, changeRule } from "../rules/rule-changes.ts";
import type { ChangeName, RuleChange } from "../rules/rule-changes.ts";
import { memoryOf, settledMemory, startRuleNode } from "../rules/rule-node.ts";
import { SIGNALBOX } from "../system.ts";
import { warmUp } from "./lanes.ts";

/** What 10,000 rules over 1,000 services cost beside ten. */
export interface RulesResult {
  readonly kind: "rules";
  readonly system: string;
  readonly nodes: readonly RulesRun[];
  readonly load: readonly RulesLoad[];
}

/** Of a node that carries nothing. Bytes: of the main process, then of its workers. */
export interface RulesRun {
  readonly workers: number;
  readonly start: { readonly few: RuleChange; readonly many: RuleChange };
  /** The first after the start, of a rule in the middle, in order. */
  readonly firstChanges: readonly RuleChange[];
  readonly changes: Readonly<Record<ChangeName, readonly RuleChange[]>>;
  readonly bytes: {
    readonly few: readonly number[];
    readonly many: readonly number[];
    readonly changed: readonly number[];
  };
}

/** The same load with ten rules, and with 10,000. */
export interface RulesLoad {
  readonly rules: number;
  /** By window: windows are taken in turns. */
  readonly itemsPerCpuSecond: readonly number[];
  /** At the highest of the looks after each window. */
  readonly bytes: readonly number[];
  readonly allThere: boolean;
}

const FEW = 1;
const MANY = 1_000;
const FIRST_CHANGES = 3;
const LOADS = [
  { rules: 10, run: { ...caseNamed("rules-10-wide"), workers: 1 } },
  { rules: 10_000, run: { ...caseNamed("rules-10000"), workers: 1 } },
];

export async function measureRules(rounds: number, short: boolean): Promise<RulesResult> {
  const nodes: RulesRun[] = [];
  for (const workers of short ? [1] : [1, 0]) nodes.push(await measureNode(workers, rounds));
  return { kind: "rules", system: SIGNALBOX.name, nodes, load: await measureLoad(rounds, short) };
}

async function measureNode(workers: number, rounds: number): Promise<RulesRun> {
  await using few = await startRuleNode(workers, FEW);
  const fewBytes = await settledMemory(few);
  await changeRule(few, "first rule", 0); // the first request loads the client of this process, 40 ms
  await few[Symbol.asyncDispose]();
  await using many = await startRuleNode(workers, MANY);
  const manyBytes = await settledMemory(many);
  const firstChanges: RuleChange[] = [];
  for (let i = 0; i < FIRST_CHANGES; i++) firstChanges.push(await changeRule(many, "middle rule", i));
  const changes = Object.fromEntries(CHANGES.map((name) => [name, [] as RuleChange[]])) as Record<
    ChangeName,
    RuleChange[]
  >;
  for (let round = FIRST_CHANGES; round < FIRST_CHANGES + rounds; round++) {
    for (const name of CHANGES) changes[name].push(await changeRule(many, name, round));
    process.stderr.write(`  ${workers} workers: ${describe(changes)}\n`);
  }
  const bytes = { few: fewBytes, many: manyBytes, changed: await settledMemory(many) };
  return { workers, start: { few: few.start, many: many.start }, firstChanges, changes, bytes };
}

function describe(changes: Readonly<Record<ChangeName, readonly RuleChange[]>>): string {
  return CHANGES.map((name) => `${name} ${changes[name].at(-1)?.wallMs.toFixed(0)} ms`).join(", ");
}

/** Before the first window, so that what is compiled and learnt first is in none. */
const WARM_CPU_MS = 6_000;

/**
 * The share differs from start to start by more than windows of one start show: 86 to 101 % in nine
 * starts, each over 12 to 160 pairs. What is compiled how, and where memory is, stays as it was at
 * the start.
 */
const STARTS = 3;

async function measureLoad(windows: number, short: boolean): Promise<RulesLoad[]> {
  let all: RulesLoad[] = [];
  for (let start = 0; start < (short ? 1 : STARTS); start++) {
    const more = await measureStart(windows, short);
    all = all.length === 0 ? more : all.map((load, i) => joined(load, more[i]!));
  }
  return all;
}

function joined(load: RulesLoad, more: RulesLoad): RulesLoad {
  return {
    rules: load.rules,
    itemsPerCpuSecond: [...load.itemsPerCpuSecond, ...more.itemsPerCpuSecond],
    bytes: load.bytes.map((bytes, i) => Math.max(bytes, more.bytes[i] ?? 0)),
    allThere: load.allThere && more.allThere,
  };
}

/**
 * Of processes of its own. Short windows are hardly noisier than long ones: the middle half of
 * pairs was 90 to 111 % with 2.5 s, and 88 to 107 % with 0.8 s.
 */
async function measureStart(windows: number, short: boolean): Promise<RulesLoad[]> {
  const timing = short ? { warmUpMs: 300, windowMs: 1_000 } : { warmUpMs: 500, windowMs: 1_500 };
  await using owned = new AsyncDisposableStack();
  const lanes: { rig: Rig; load: RigLoad; items: number[]; bytes: number[] }[] = [];
  for (const { run } of LOADS) {
    const { rig, load } = await openLane(run, owned);
    await warmUp(rig.pid, load, short ? 500 : WARM_CPU_MS);
    lanes.push({ rig, load, items: [], bytes: [] });
  }
  for (let window = 0; window < windows; window++) {
    for (const lane of window % 2 === 0 ? lanes : lanes.toReversed()) {
      lane.items.push((await lane.load.window(timing)).itemsPerCpuSecond);
      lane.bytes = memoryOf(lane.rig.pid).map((bytes, i) => Math.max(bytes, lane.bytes[i] ?? 0));
    }
    process.stderr.write(`  ${lanes.map(({ items }) => Math.round(items.at(-1) ?? 0)).join(", ")} items/CPU-s\n`);
  }
  const all: RulesLoad[] = [];
  for (const [i, { rig, items, bytes }] of lanes.entries())
    all.push({ rules: LOADS[i]!.rules, itemsPerCpuSecond: items, bytes, allThere: (await rig.check()).ok });
  return all;
}

async function openLane(run: Case, owned: AsyncDisposableStack): Promise<{ rig: Rig; load: RigLoad }> {
  const rig = owned.use(await openRig(run, SIGNALBOX));
  return { rig, load: await rig.load(run) };
}
