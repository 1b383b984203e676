import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../case.ts";
import { caseNamed } from "../cases.ts";
import type { Answers } from "../messages.ts";
import { openFolder } from "../folder.ts";
import { pause } from "../pause.ts";
import { openRig } from "../rig.ts";
import type { RigLoad, Timing } from "../rig.ts";
import { usageOfTree } from "../process-usage.ts";
import type { StartOptions, System } from "../system.ts";
import type { Cores, Lane, OpenLane } from "./series.ts";

/** What marks speak of: 100 spans a request over gRPC, half of eight services to each pool. */
export const USUAL: Case = caseNamed("grpc-100");

export interface LanePlan {
  readonly load: string;
  readonly system: System;
  /** Instead of the system's own. */
  readonly name?: string;
  readonly run: Case;
  readonly timing: Timing;
  /**
   * So much of the system's CPU goes by before the first window, unless it takes more than five
   * times as long: what is compiled and learnt first is no window's.
   */
  readonly firstCpuMs?: number;
  readonly cores?: Cores | undefined;
  /** Of the sinks. */
  readonly answers?: Answers;
  /** Counts collections of the whole heap. */
  readonly collections?: boolean;
}

/** A system with a load of its own. */
export function laneOf(plan: LanePlan): Lane {
  return { load: plan.load, system: plan.name ?? plan.system.name, open: () => open(plan) };
}

async function open({
  system,
  run,
  timing,
  firstCpuMs = 0,
  cores,
  answers,
  collections = false,
}: LanePlan): Promise<OpenLane> {
  await using owned = new AsyncDisposableStack();
  const log = owned.use(openFolder()).path;
  const rig = owned.use(await openRig(run, system, collections ? countCollections(log) : {}));
  rig.pin(cores);
  if (answers !== undefined) for (const port of [0, 1]) await rig.sink.ask({ kind: "answer", port, answers });
  const load = await rig.load(run);
  await warmUp(rig.pid, load, firstCpuMs);
  const kept = owned.move();
  return {
    async window() {
      if (!collections) return await load.window(timing);
      const [window, tookMs] = await Promise.all([load.window(timing), collectionsDuring(timing, log)]);
      return { ...window, collections: { full: tookMs.length, longestMs: Math.max(0, ...tookMs) } };
    },
    check: () => rig.check(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const PIECE_MS = 300;
/** Of the CPU time that is asked for: what spends little of it is not waited for. */
const MOST_WARM_UP = 1.5;

/** Until so much CPU of the system's has gone by, unless it takes far longer. */
export async function warmUp(pid: number, load: RigLoad, cpuMs: number): Promise<void> {
  const untilSeconds = usageOfTree(pid).cpuSeconds + cpuMs / 1_000;
  for (let ms = 0; ms < MOST_WARM_UP * cpuMs && usageOfTree(pid).cpuSeconds < untilSeconds; ms += PIECE_MS) {
    await load.window({ warmUpMs: 0, windowMs: PIECE_MS });
  }
}

/** In all processes of the system: they inherit it. */
function countCollections(log: string): StartOptions {
  const observer = join(import.meta.dirname, "gc-log.ts");
  return { env: { NODE_OPTIONS: `--import=${observer}`, SIGNALBOX_BENCH_GC_LOG: log } };
}

/** Milliseconds that each of them took in the window, in all processes of the system. */
async function collectionsDuring({ warmUpMs, windowMs }: Timing, log: string): Promise<number[]> {
  const files = (): string[] => readdirSync(log).map((name) => join(log, name));
  await pause(warmUpMs);
  for (const file of files()) writeFileSync(file, "");
  await pause(windowMs);
  return files().flatMap((file) => readFileSync(file, "latin1").split("\n").filter(Boolean).map(Number));
}
