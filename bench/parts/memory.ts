import { BASE } from "../case.ts";
import type { Case } from "../case.ts";
import { pause } from "../pause.ts";
import { privateBytesOf, processesOf } from "../process-usage.ts";
import { openRig } from "../rig.ts";
import { SIGNALBOX } from "../system.ts";
import { Admin } from "./admin.ts";

/**
 * Memory that only the router's processes have, with 1,000 connections. The main process is told
 * apart from its workers.
 */
export interface MemoryResult {
  readonly kind: "memory";
  readonly system: string;
  readonly connections: number;
  readonly runs: readonly MemoryRun[];
}

export interface MemoryRun {
  readonly what: MemoryKind;
  readonly workers: number;
  /** Of each worker, where the router tells it. */
  readonly arenaBytes: number;
  readonly stages: readonly MemoryStage[];
}

export type MemoryKind = "plain" | "10,000 rules" | "TLS";

/** The most that each process had at one of the looks, two a second. */
export interface MemoryStage {
  readonly name: string;
  readonly itemsPerSecond: number;
  readonly mainBytes: number;
  readonly workerBytes: readonly number[];
}

export const STAGES = { empty: "nothing yet", light: "500 requests a second", full: "8,000 calls at a time" };
const CONNECTIONS = 1_000;
const LIGHT_PER_SECOND = 500;
const LOOK_MS = 500;
const RUN: Case = { ...BASE, name: "memory", title: "", services: 1_000, connections: CONNECTIONS, streams: 8 };
const RUNS: Readonly<Record<MemoryKind, Case>> = {
  plain: RUN,
  "10,000 rules": { ...RUN, rules: "resource_10000" },
  TLS: { ...RUN, tls: "in" },
};

export async function measureMemory(short: boolean): Promise<MemoryResult> {
  const runs: MemoryRun[] = [];
  for (const workers of short ? [2] : [1, 2]) {
    for (const [what, run] of Object.entries(RUNS))
      runs.push(await measureRun(what as MemoryKind, run, workers, short));
  }
  return { kind: "memory", system: SIGNALBOX.name, connections: CONNECTIONS, runs };
}

async function measureRun(what: MemoryKind, run: Case, workers: number, short: boolean): Promise<MemoryRun> {
  const timing = short ? { warmUpMs: 500, windowMs: 2_000 } : { warmUpMs: 2_000, windowMs: 8_000 };
  await using rig = await openRig({ ...run, workers }, SIGNALBOX);
  const admin = new Admin(rig.running?.ports?.admin ?? 0);
  await pause(1_000); // what starting took is given back, as far as it ever is
  const stages = [await stage(STAGES.empty, rig.pid, pause(LOOK_MS))];
  const load = await rig.load(run);
  for (const [name, rate] of [
    [STAGES.light, LIGHT_PER_SECOND],
    [STAGES.full, 0],
  ] as const) {
    stages.push(await stage(name, rig.pid, load.window(timing, rate)));
    process.stderr.write(`  ${what}, ${workers} workers, ${name}: ${describe(stages.at(-1)!)}\n`);
  }
  const arenas = (await admin.metric("signalbox_arena_bytes")) ?? 0;
  return { what, workers, arenaBytes: arenas / Math.max(1, workers), stages };
}

/** Looks at all processes until the work is done. */
async function stage(
  name: string,
  pid: number,
  work: Promise<{ readonly itemsPerSecond: number } | void>,
): Promise<MemoryStage> {
  const most = new Map<number, number>();
  const done = work.then(() => true);
  for (let ended = false; !ended; ) {
    for (const each of processesOf(pid)) most.set(each, Math.max(most.get(each) ?? 0, privateBytesOf(each)));
    ended = await Promise.race([pause(LOOK_MS).then(() => false), done]);
  }
  const itemsPerSecond = (await work)?.itemsPerSecond ?? 0;
  const workerBytes = [...most].filter(([each]) => each !== pid).map(([, bytes]) => bytes);
  return { name, itemsPerSecond, mainBytes: most.get(pid) ?? 0, workerBytes };
}

function describe({ mainBytes, workerBytes }: MemoryStage): string {
  return [mainBytes, ...workerBytes].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`).join(", ");
}
