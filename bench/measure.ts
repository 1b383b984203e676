import { serviceNames } from "./case.ts";
import type { Case } from "./case.ts";
import { openLoad, openSink } from "./child.ts";
import type { LoadProcess, SinkProcess } from "./child.ts";
import { openFolder } from "./folder.ts";
import { benchIdentity } from "./identity.ts";
import type { LoadArguments, LoadCounts, SinkCounts } from "./messages.ts";
import { pause } from "./pause.ts";
import { usageOfTree } from "./process-usage.ts";
import type { Usage } from "./process-usage.ts";
import type { System } from "./system.ts";

export interface Timing {
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/**
 * One measured window. Rates are of what was acknowledged; CPU is of the measured system's own
 * processes.
 */
export interface Measurement {
  readonly case: string;
  readonly system: string;
  /** What this window is, where a case has several: `direct`, `1x`, `3x`. */
  readonly part: string;
  readonly requestBytes: number;
  readonly windowMs: number;
  /** Requests due in the window as a rate, of an open loop. */
  readonly offeredItemsPerSecond: number | undefined;
  /** What left the generator: below the offered rate when all of its calls were under way. */
  readonly sentItemsPerSecond: number;
  readonly itemsPerSecond: number;
  readonly requestsPerSecond: number;
  readonly cpuPercent: number;
  readonly itemsPerCpuSecond: number;
  readonly requestsPerCpuSecond: number;
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
  readonly check: Check;
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
  readonly ok: boolean;
}

export interface RunOptions {
  readonly timing: Timing;
  /** Requests a second; 0: closed loop. */
  readonly requestsPerSecond: number;
  readonly part: string;
}

/**
 * Starts sinks, system and load, measures one window and ends them all. `system` undefined:
 * straight to the sink.
 */
export async function measure(run: Case, system: System | undefined, options: RunOptions): Promise<Measurement> {
  using folder = openFolder();
  const tls = run.tls === "both" ? await benchIdentity() : undefined;
  await using sink = await openSink({ protocol: system?.sinkProtocol ?? run.protocol, ports: 2, tls });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  if (system === undefined) return await drive(run, "none", a, sink.pid, sink, false, options);
  const running = await system.start(run, [a, b], folder.path);
  await using child = running.child;
  return await drive(run, system.name, running.port, child.pid, sink, system.swallows === true, options);
}

async function drive(
  run: Case,
  name: string,
  port: number,
  measuredPid: number,
  sink: SinkProcess,
  swallows: boolean,
  options: RunOptions,
): Promise<Measurement> {
  await using load = await openLoad(loadArguments(run, port, options.requestsPerSecond));
  if (load.hello.kind !== "ready") throw new Error("the load process said something else first");
  const pids = [measuredPid, load.pid, sink.pid];
  await load.ask({ kind: "start" });
  await pause(options.timing.warmUpMs);
  const before = pids.map(usageOfTree);
  await marked(load);
  await pause(options.timing.windowMs);
  const counts = await marked(load);
  const after = pids.map(usageOfTree);
  const total = await load.ask({ kind: "stop" });
  if (total.kind !== "stopped") throw new Error("the load process did not stop");
  const arrived = await sink.ask({ kind: "counts" });
  const sinks = arrived.kind === "counts" ? arrived.ports : [];
  return {
    case: run.name,
    system: name,
    part: options.part,
    requestBytes: load.hello.requestBytes,
    offeredItemsPerSecond: options.requestsPerSecond > 0 ? options.requestsPerSecond * run.itemsPerRequest : undefined,
    ...ratesOf(counts, before, after),
    ...outcomesOf(counts),
    check: checkOf(total.counts, sinks, run.gzipIn, swallows),
  };
}

export function loadArguments(
  run: Case,
  port: number,
  requestsPerSecond: number,
  latencyFrom: LoadArguments["latencyFrom"] = "due",
): LoadArguments {
  return {
    protocol: run.protocol,
    port,
    tls: run.tls !== "none",
    connections: run.connections,
    streams: run.streams,
    requestsPerSecond,
    latencyFrom,
    itemsPerRequest: run.itemsPerRequest,
    resourcesPerRequest: run.resourcesPerRequest,
    services: serviceNames(run.services),
    gzip: run.gzipIn,
    source: 1,
  };
}

/** Ends a window and begins the next one. */
export async function marked(load: LoadProcess): Promise<LoadCounts> {
  const report = await load.ask({ kind: "mark" });
  if (report.kind !== "marked") throw new Error("the load process did not answer a mark with its counts");
  return report.counts;
}

type Rates = Pick<
  Measurement,
  | "windowMs"
  | "sentItemsPerSecond"
  | "itemsPerSecond"
  | "requestsPerSecond"
  | "cpuPercent"
  | "itemsPerCpuSecond"
  | "requestsPerCpuSecond"
  | "rssMiB"
  | "peakRssMiB"
  | "generatorCpuPercent"
  | "sinkCpuPercent"
>;

function ratesOf(counts: LoadCounts, before: readonly Usage[], after: readonly Usage[]): Rates {
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
    rssMiB: (after[0]?.rssBytes ?? 0) / 1_048_576,
    peakRssMiB: (after[0]?.peakRssBytes ?? 0) / 1_048_576,
    generatorCpuPercent: (100 * generator) / seconds,
    sinkCpuPercent: (100 * sink) / seconds,
  };
}

function outcomesOf(
  counts: LoadCounts,
): Pick<Measurement, "p50Ms" | "p99Ms" | "refused" | "failed" | "partial" | "late"> {
  const { latency, refused, failed, partial, late } = counts;
  return { p50Ms: latency.p50Ms, p99Ms: latency.p99Ms, refused, failed, partial, late };
}

function checkOf(total: LoadCounts, sinks: readonly SinkCounts[], repeats: boolean, swallows: boolean): Check {
  // Compressed requests are sent again as they are, so that their numbers repeat: then only the
  // count can be checked.
  const arrivedItems = sum(sinks.map((sink) => (repeats ? sink.items : sink.distinct + sink.beyond)));
  const duplicates = repeats ? 0 : sum(sinks.map((sink) => sink.duplicates));
  return {
    acknowledgedItems: total.ackedItems,
    arrivedItems,
    duplicates,
    unanswered: total.unanswered,
    shares: sinks.map((sink) => sink.items),
    ok: swallows || arrivedItems >= total.ackedItems,
  };
}

function sum(list: readonly number[]): number {
  return list.reduce((all, each) => all + each, 0);
}
