import { systemClock } from "../../src/core/clock.ts";
import { versionOf } from "../../test/set-up/programs.ts";
import { type FleetApply, type FleetLoad, type FleetRig, NODE_IDS, openFleetRig } from "../fleet/fleet-rig.ts";
import { pause } from "../pause.ts";
import { usageOfTree } from "../process-usage.ts";
import { SIGNALBOX } from "../system.ts";

/** Three nodes over a real store, with load: as main processes alone, and with workers. */
export interface FleetResult {
  readonly kind: "fleet";
  readonly system: string;
  readonly store: string;
  readonly nodes: number;
  readonly modes: readonly FleetMode[];
  /** Undefined: it was not measured. */
  readonly wedge: WedgedLoop | undefined;
  readonly allThere: boolean;
}

export interface FleetMode {
  /** `node.workers` of each. */
  readonly workers: number;
  readonly applies: readonly FleetApply[];
  /** While configs were applied. */
  readonly flowing: FleetLoad;
  readonly full: FullLoad;
  readonly sessionsLost: number;
}

export interface FullLoad extends FleetLoad {
  /** Of all nodes with their workers, in seconds of a processor in a second. */
  readonly cpu: number;
  readonly renewals: number;
  readonly longestDelayMs: number;
}

/** The main loop of the node that leads the fleet is blocked; its workers are not. */
export interface WedgedLoop {
  /** Until another leads. */
  readonly takenOverMs: number;
  /** Sessions that its own thread has given up for it. */
  readonly stalled: number;
  readonly flowing: FleetLoad;
}

/** Far below what nodes carry: what fails does not fail for lack of time. */
const REQUESTS_A_SECOND = 100;
/** Each node has as many workers as there are cores; they are shared with all else. */
const ALL_CORES = 2;
const WITHIN_MS = 40_000;
const LOOK_MS = 10;
const SETTLE_MS = 1_000;
const AFTER_BLOCK_MS = 5_000;

export interface FleetAmounts {
  readonly modes: readonly number[];
  readonly applies: number;
  readonly fullMs: number;
  readonly wedges: boolean;
}

const FULL: FleetAmounts = { modes: [0, ALL_CORES], applies: 5, fullMs: 20_000, wedges: true };
const SHORT: FleetAmounts = { modes: [ALL_CORES], applies: 2, fullMs: 6_000, wedges: false };

export function measureFleet(short: boolean): Promise<FleetResult> {
  return measureNodes(short ? SHORT : FULL);
}

export async function measureNodes(amounts: FleetAmounts): Promise<FleetResult> {
  const modes: FleetMode[] = [];
  let wedge: WedgedLoop | undefined;
  let allThere = true;
  for (const workers of amounts.modes) {
    process.stderr.write(`  ${workers} workers\n`);
    await using rig = await openFleetRig(workers);
    modes.push(await measureMode(rig, workers, amounts));
    if (amounts.wedges && workers > 0) wedge = await wedgeLeader(rig);
    allThere &&= await rig.allThere();
  }
  return {
    kind: "fleet",
    system: SIGNALBOX.name,
    store: `etcd ${versionOf("etcd")}`,
    nodes: NODE_IDS.length,
    modes,
    wedge,
    allThere,
  };
}

async function measureMode(rig: FleetRig, workers: number, { applies, fullMs }: FleetAmounts): Promise<FleetMode> {
  const flows = await rig.begin(REQUESTS_A_SECOND);
  await pause(SETTLE_MS);
  const all: FleetApply[] = [];
  while (all.length < applies) all.push(await rig.apply());
  await pause(SETTLE_MS);
  const flowing = await flows();
  const full = await fullLoad(rig, fullMs);
  return {
    workers,
    applies: all,
    flowing,
    full,
    sessionsLost: await rig.sum("signalbox_store_sessions_lost_total"),
  };
}

/** As fast as it goes, on each node. */
async function fullLoad(rig: FleetRig, windowMs: number): Promise<FullLoad> {
  const ends = await rig.begin(0);
  await pause(SETTLE_MS);
  const renewed = rig.nodes.map((node) => node.renewals());
  const cpu = (): number => rig.nodes.reduce((sum, { pid }) => sum + usageOfTree(pid).cpuSeconds, 0);
  const [startMs, before] = [systemClock.nowMs(), cpu()];
  await pause(windowMs);
  const used = cpu() - before;
  const seconds = (systemClock.nowMs() - startMs) / 1_000;
  const renewals = renewed.map((end) => end());
  const load = await ends();
  const count = renewals.reduce((sum, each) => sum + each.count, 0);
  if (count === 0) throw new Error("no renewal of a lease was seen: bench/fleet/witness.ts");
  const longestDelayMs = Math.max(...renewals.map((each) => each.longestDelayMs));
  return { ...load, cpu: used / seconds, renewals: count, longestDelayMs };
}

async function wedgeLeader(rig: FleetRig): Promise<WedgedLoop> {
  const flows = await rig.begin(REQUESTS_A_SECOND);
  await pause(SETTLE_MS);
  const leader = await rig.leader();
  const node = rig.nodes.find(({ id }) => id === leader);
  if (node === undefined) throw new Error(`nobody leads: ${leader ?? "no id"}`);
  process.stderr.write(`  the main loop of ${node.id} is blocked\n`);
  const startMs = systemClock.nowMs();
  process.kill(node.pid, "SIGUSR2");
  for (; ; await pause(LOOK_MS)) {
    const now = await rig.leader();
    if (now !== undefined && now !== leader) break;
    if (systemClock.nowMs() - startMs > WITHIN_MS) throw new Error("nobody has taken over");
  }
  const takenOverMs = systemClock.nowMs() - startMs;
  await pause(AFTER_BLOCK_MS); // it goes on, and has heard
  const stalled = (await node.admin.metric('signalbox_store_sessions_lost_total{why="stalled"}')) ?? 0;
  return { takenOverMs, stalled, flowing: await flows() };
}
