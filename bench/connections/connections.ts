import { readFileSync } from "node:fs";
import type { GrpcTransport } from "../../src/core/grpc-transport.ts";
import { BASE } from "../case.ts";
import { items } from "../cases.ts";
import type { Case } from "../case.ts";
import { openSink, openTalker } from "../child.ts";
import type { Talker } from "../child.ts";
import { openFolder } from "../folder.ts";
import { pause } from "../pause.ts";
import { usageOfTree } from "../process-usage.ts";
import type { Usage } from "../process-usage.ts";
import { ROUTERS } from "../system.ts";
import type { HoldArguments, HoldCounts, HoldReport, HoldRequest } from "./messages.ts";

/**
 * What many connections with little traffic cost. Memory is that of the router's process alone, not
 * of the kernel.
 */
export interface ConnectionsResult {
  readonly kind: "connections";
  readonly system: string;
  readonly tls: boolean;
  readonly wanted: number;
  readonly opened: number;
  /** Open at the end. */
  readonly kept: number;
  readonly openedPerSecond: number;
  /** Seconds in which they were all open. */
  readonly heldSeconds: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPercent: number;
  /** When it listened and nobody had connected. */
  readonly emptyRssMiB: number;
  readonly peakRssMiB: number;
  /** Above the empty process, at the end and at its highest. */
  readonly bytesPerConnection: number;
  readonly peakBytesPerConnection: number;
  readonly allThere: boolean;
}

export interface ConnectionsPlan {
  readonly transport: GrpcTransport;
  readonly tls: boolean;
  readonly connections: number;
  readonly openPerSecond: number;
  readonly everyMs: number;
  readonly holdMs: number;
}

/** Descriptors that the router and the holding process need besides. */
const OTHER_DESCRIPTORS = 200;

/** As many of them as one process may have open: node raises the soft limit to the hard one. */
export function possibleConnections(wanted: number): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  const hard = /^Max open files\s+\S+\s+(\d+)/mu.exec(limits)?.[1]; // or `unlimited`
  return hard === undefined ? wanted : Math.min(wanted, Number(hard) - OTHER_DESCRIPTORS);
}

export async function measureConnections(plan: ConnectionsPlan): Promise<ConnectionsResult> {
  const system = ROUTERS[plan.transport];
  const connections = possibleConnections(plan.connections);
  using folder = openFolder();
  await using sink = await openSink({ protocol: "grpc", signal: "traces", ports: 2, tls: undefined });
  if (sink.hello.kind !== "listening") throw new Error("the sink said something else first");
  const [a = 0, b = 0] = sink.hello.ports;
  const running = await system.start(caseOf(plan, connections), [a, b], folder.path);
  await using child = running.child;
  const { tls, openPerSecond, everyMs } = plan;
  const options: HoldArguments = { port: running.port, tls, connections, openPerSecond, everyMs };
  await using hold = await openTalker<HoldRequest, HoldReport>("connections/hold.ts", options);
  await pause(1_000);
  const empty = usageOfTree(child.pid);
  const opened = await hold.ask({ kind: "open" });
  if (opened.kind !== "opened") throw new Error("the holding process did not open");
  const before = usageOfTree(child.pid);
  await pause(plan.holdMs);
  const after = usageOfTree(child.pid);
  const kept = await countsOf(hold, "counts");
  const ended = await countsOf(hold, "stop");
  const arrived = await sink.ask({ kind: "counts" });
  const arrivedItems = arrived.kind === "counts" ? arrived.ports.reduce((sum, port) => sum + port.distinct, 0) : 0;
  return {
    kind: "connections",
    system: system.name,
    tls,
    wanted: plan.connections,
    opened: opened.opened,
    openedPerSecond: (1_000 * opened.opened) / opened.tookMs,
    heldSeconds: plan.holdMs / 1_000,
    ...memoryOf(empty, after, opened.opened),
    cpuPercent: (100 * (after.cpuSeconds - before.cpuSeconds)) / (plan.holdMs / 1_000),
    ...trafficOf(kept, ended),
    allThere: arrivedItems >= ended.acknowledgedItems,
  };
}

function caseOf({ tls }: ConnectionsPlan, connections: number): Case {
  const limits = { maxConnections: connections + 16 };
  return { ...BASE, ...items(10), name: "connections", title: "", tls: tls ? "in" : "none", limits };
}

async function countsOf(hold: Talker<HoldRequest, HoldReport>, kind: "counts" | "stop"): Promise<HoldCounts> {
  const report = await hold.ask({ kind });
  if (report.kind !== "counts") throw new Error("the holding process did not answer with its counts");
  return report;
}

function memoryOf(
  empty: Usage,
  after: Usage,
  connections: number,
): Pick<ConnectionsResult, "emptyRssMiB" | "peakRssMiB" | "bytesPerConnection" | "peakBytesPerConnection"> {
  return {
    emptyRssMiB: empty.rssBytes / 1_048_576,
    peakRssMiB: after.peakRssBytes / 1_048_576,
    bytesPerConnection: (after.rssBytes - empty.rssBytes) / connections,
    peakBytesPerConnection: (after.peakRssBytes - empty.rssBytes) / connections,
  };
}

function trafficOf(
  kept: HoldCounts,
  ended: HoldCounts,
): Pick<ConnectionsResult, "kept" | "acknowledged" | "refused" | "p50Ms" | "p99Ms"> {
  const { acknowledged, refused, latency } = ended;
  return { kept: kept.open, acknowledged, refused, p50Ms: latency.p50Ms, p99Ms: latency.p99Ms };
}
