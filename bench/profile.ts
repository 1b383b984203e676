import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { targetsSpeak } from "./case.ts";
import type { Case } from "./case.ts";
import { openLoad, openSink } from "./child.ts";
import { openFolder } from "./folder.ts";
import { benchIdentity } from "./identity.ts";
import { loadArguments } from "./load-run.ts";
import type { Timing } from "./rig.ts";
import { pause } from "./pause.ts";
import type { RouterSystem } from "./system.ts";

/** A function of the router and its share of the time of all its processes. */
export interface Hot {
  readonly where: string;
  readonly selfPercent: number;
}

/** What V8 writes, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  /** Microseconds of the machine's monotonic clock. */
  readonly startTime: number;
  readonly samples: readonly number[];
  /** Microseconds from the sample before, or from the start. */
  readonly timeDeltas: readonly number[];
}

const SAMPLING_US = 200;

/**
 * Puts a load through the router with V8's profiler on, and tells where it spent its time after the
 * warm-up.
 */
export async function profile(run: Case, system: RouterSystem, timing: Timing): Promise<Hot[]> {
  using folder = openFolder();
  const tls = run.tls === "both" ? await benchIdentity() : undefined;
  await using sink = await openSink({ protocol: targetsSpeak(run), signal: run.signal, ports: 2, tls });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  // In the environment: workers inherit that, but no arguments of the main process.
  const flags = ["--cpu-prof", `--cpu-prof-dir=${folder.path}`, `--cpu-prof-interval=${SAMPLING_US}`];
  const env = { NODE_OPTIONS: flags.join(" ") };
  const { child, port } = await system.start(run, [a, b], folder.path, { env });
  await using router = child;
  const load = await openLoad(loadArguments(run, port, 0));
  await load.ask({ kind: "start" });
  await pause(timing.warmUpMs);
  const fromUs = monotonicUs();
  await pause(timing.windowMs);
  const toUs = monotonicUs();
  await load.ask({ kind: "stop" });
  await load[Symbol.asyncDispose]();
  await router[Symbol.asyncDispose](); // profiles are written when it ends
  const files = readdirSync(folder.path).filter((name) => name.endsWith(".cpuprofile"));
  if (files.length === 0) throw new Error(`no profile was written:\n${router.output()}`);
  const selfUs = new Map<string, number>();
  for (const file of files) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by V8
    addSelf(JSON.parse(readFileSync(join(folder.path, file), "utf8")) as CpuProfile, fromUs, toUs, selfUs);
  }
  return hottest(selfUs);
}

/** Self time by function, without what was idle. */
function addSelf(profiled: CpuProfile, fromUs: number, toUs: number, into: Map<string, number>): void {
  const { nodes, startTime, samples, timeDeltas } = profiled;
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  let atUs = startTime;
  for (const [i, id] of samples.entries()) {
    const where = names.get(id) ?? "";
    atUs += timeDeltas[i] ?? 0;
    if (atUs < fromUs || atUs > toUs) continue;
    if (where === "(idle)" || where === "(root)") continue;
    // The time until the next sample was spent in what this one saw.
    into.set(where, (into.get(where) ?? 0) + (timeDeltas[i + 1] ?? 0));
  }
}

function hottest(selfUs: ReadonlyMap<string, number>): Hot[] {
  const busyUs = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  return [...selfUs]
    .map(([where, us]) => ({ where, selfPercent: (100 * us) / busyUs }))
    .toSorted((left, right) => right.selfPercent - left.selfPercent);
}

/** The clock of V8's samples, which all processes of a machine share. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  return url === "" ? name : `${name} ${url.replace(/^.*\/dist\//u, "")}:${lineNumber + 1}`;
}
