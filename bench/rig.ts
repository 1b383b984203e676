import { reasonOf } from "../src/core/errors.ts";
import type { Case } from "./case.ts";
import { KEPT, targetsSpeak } from "./case.ts";
import { openLoad, openSink } from "./child.ts";
import type { LoadProcess, SinkProcess } from "./child.ts";
import { openFolder } from "./folder.ts";
import { benchIdentity } from "./identity.ts";
import { loadArguments, marked } from "./load-run.ts";
import type { LoadArguments, LoadCounts, SinkCounts } from "./messages.ts";
import { pause } from "./pause.ts";
import { pin } from "./pin.ts";
import { processesOf, usageOfTree } from "./process-usage.ts";
import type { Usage } from "./process-usage.ts";
import type { Running, StartOptions, System } from "./system.ts";

/**
 * What came out of one window. Rates are of what was acknowledged; CPU is of the measured system's
 * own processes.
 */
export interface Window {
  readonly windowMs: number;
  /** What left the generator: below the offered rate when all of its calls were under way. */
  readonly sentItemsPerSecond: number;
  readonly itemsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly cpuPercent: number;
  readonly itemsPerCpuSecond: number;
  readonly requestsPerCpuSecond: number;
  /** Of requests as they are before compression. */
  readonly bytesPerCpuSecond: number;
  readonly rssMiB: number;
  readonly peakRssMiB: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, number>>;
  readonly partial: number;
  readonly late: number;
  /** CPU of the load generator and the sinks, to see that they leave room. */
  readonly generatorCpuPercent: number;
  readonly sinkCpuPercent: number;
}

/** Over the whole run, warm-up and end included. */
export interface Check {
  readonly acknowledgedItems: number;
  /** Different items that reached the sinks. */
  readonly arrivedItems: number;
  readonly duplicates: number;
  readonly unanswered: number;
  /** Items at each sink: how they were shared out. */
  readonly shares: readonly number[];
  /** As they came to the sinks. */
  readonly arrivedBytes: number;
  readonly ok: boolean;
}

export interface Timing {
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** A load that rests between its windows. */
export interface RigLoad {
  readonly process: LoadProcess;
  readonly requestBytes: number;
  /** Warms up and measures; `requestsPerSecond` 0: closed loop. Left out: as it was opened. */
  window(timing: Timing, requestsPerSecond?: number): Promise<Window>;
}

/** What is measured, its sinks and its loads: all of them end with it. */
export interface Rig extends AsyncDisposable {
  /** Undefined: loads go straight to the sink. */
  readonly running: Running | undefined;
  /** Of the measured system. */
  readonly pid: number;
  readonly sink: SinkProcess;
  load(run: Case, options?: Partial<LoadArguments>): Promise<RigLoad>;
  /** All processes of the system on some cores, the sinks and all loads from now on on others. */
  pin(cores: { readonly system: string; readonly others: string } | undefined): void;
  /** Ends the loads. */
  check(): Promise<Check>;
}

export async function openRig(run: Case, system: System | undefined, options?: StartOptions): Promise<Rig> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(openFolder());
  const tls = run.tls === "both" ? await benchIdentity() : undefined;
  const protocol = system === undefined ? run.protocol : (system.sinkProtocol?.(run) ?? targetsSpeak(run));
  const sink = owned.use(await openSink({ protocol, signal: run.signal, ports: 2, tls }));
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const running = await system?.start(run, [a, b], folder.path, options);
  if (running !== undefined) owned.use(running.child);
  const pid = running?.child.pid ?? sink.pid;
  const loads: LoadProcess[] = [];
  const kept = owned.move();
  let others: string | undefined;
  return {
    running,
    pid,
    sink,
    async load(of, more) {
      const args = { ...loadArguments(of, running?.port ?? a, 0), source: loads.length + 1, ...more };
      const load = kept.use(await openLoad(args).catch((cause: unknown) => fail(cause, running)));
      if (load.hello.kind !== "ready") throw new Error("the load process said something else first");
      loads.push(load);
      pin(load.pid, others);
      const pids = [pid, load.pid, sink.pid];
      const { requestBytes } = load.hello;
      const window: RigLoad["window"] = (timing, rate) =>
        windowOf(load, pids, timing, rate ?? args.requestsPerSecond, requestBytes);
      return { process: load, requestBytes, window };
    },
    pin(cores) {
      others = cores?.others;
      for (const each of processesOf(pid)) pin(each, cores?.system);
      pin(sink.pid, others); // in a run without a system it is the sink that is measured
    },
    check: () =>
      check(loads, sink, {
        repeats: run.gzipIn || run.targets === "json",
        swallows: system?.swallows === true,
        kept: KEPT[run.sampling],
      }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** With what the system itself says: a load that finds nobody, or someone else, cannot tell why. */
function fail(cause: unknown, running: Running | undefined): never {
  if (running === undefined) throw cause;
  const { child, port } = running;
  const state = child.exited ? "has ended" : "runs";
  throw new Error(`a load of port ${port}: ${reasonOf(cause)}\nthe system ${state}, and said:\n${child.output()}`, {
    cause,
  });
}

async function windowOf(
  load: LoadProcess,
  pids: readonly number[],
  { warmUpMs, windowMs }: Timing,
  requestsPerSecond: number,
  requestBytes: number,
): Promise<Window> {
  await load.ask({ kind: "start", requestsPerSecond });
  await pause(warmUpMs);
  const before = pids.map(usageOfTree);
  await marked(load);
  await pause(windowMs);
  const counts = await marked(load);
  const after = pids.map(usageOfTree);
  await load.ask({ kind: "rest" });
  const { latency, refused, failed, partial, late } = counts;
  return {
    ...ratesOf(counts, before, after, requestBytes),
    p50Ms: latency.p50Ms,
    p99Ms: latency.p99Ms,
    refused,
    failed,
    partial,
    late,
  };
}

function ratesOf(
  counts: LoadCounts,
  before: readonly Usage[],
  after: readonly Usage[],
  requestBytes: number,
): Omit<Window, "p50Ms" | "p99Ms" | "refused" | "failed" | "partial" | "late"> {
  const seconds = counts.durationMs / 1_000;
  const cpu = after.map((usage, i) => usage.cpuSeconds - (before[i]?.cpuSeconds ?? 0));
  const [own = 0, generator = 0, sink = 0] = cpu;
  const perCpu = (count: number): number => (own > 0 ? count / own : 0);
  return {
    windowMs: counts.durationMs,
    sentItemsPerSecond: counts.sentItems / seconds,
    itemsPerSecond: counts.ackedItems / seconds,
    requestsPerSecond: counts.ackedRequests / seconds,
    cpuPercent: (100 * own) / seconds,
    itemsPerCpuSecond: perCpu(counts.ackedItems),
    requestsPerCpuSecond: perCpu(counts.ackedRequests),
    bytesPerCpuSecond: perCpu(counts.ackedRequests * requestBytes),
    rssMiB: (after[0]?.rssBytes ?? 0) / 1_048_576,
    peakRssMiB: (after[0]?.peakRssBytes ?? 0) / 1_048_576,
    generatorCpuPercent: (100 * generator) / seconds,
    sinkCpuPercent: (100 * sink) / seconds,
  };
}

/**
 * `repeats`: compressed requests are sent again as they are, so that their numbers repeat; then
 * only the count can be checked, as where sinks get JSON. `swallows`: nothing is sent on. `kept`:
 * the share that is.
 */
async function check(
  loads: readonly LoadProcess[],
  sink: SinkProcess,
  { repeats, swallows, kept }: { readonly repeats: boolean; readonly swallows: boolean; readonly kept: number },
): Promise<Check> {
  const totals: LoadCounts[] = [];
  for (const load of loads) {
    const total = await load.ask({ kind: "stop" });
    if (total.kind !== "stopped") throw new Error("the load process did not stop");
    totals.push(total.counts);
  }
  const arrived = await sink.ask({ kind: "counts" });
  const sinks: readonly SinkCounts[] = arrived.kind === "counts" ? arrived.ports : [];
  const arrivedItems = sum(sinks.map((port) => (repeats ? port.items : port.distinct + port.beyond)));
  const acknowledgedItems = sum(totals.map(({ ackedItems }) => ackedItems));
  return {
    acknowledgedItems,
    arrivedItems,
    duplicates: repeats ? 0 : sum(sinks.map((port) => port.duplicates)),
    unanswered: sum(totals.map(({ unanswered }) => unanswered)),
    shares: sinks.map((port) => port.items),
    arrivedBytes: sum(sinks.map((port) => port.bytes)),
    ok: swallows || isEnough(arrivedItems, acknowledgedItems, kept),
  };
}

/** What is sampled is a share, give or take what chance does to it. */
function isEnough(arrived: number, acknowledged: number, kept: number): boolean {
  return kept === 1 ? arrived >= acknowledged : Math.abs(arrived - kept * acknowledged) <= 0.03 * acknowledged;
}

function sum(list: readonly number[]): number {
  return list.reduce((all, each) => all + each, 0);
}
