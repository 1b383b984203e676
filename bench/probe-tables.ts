import type { AttacksResult, UnderAttack } from "./attack/under-attack.ts";
import type { ConnectionsResult } from "./connections/connections.ts";
import type { FairnessResult } from "./fairness/fairness.ts";
import { notTaken } from "./not-taken.ts";
import { partTable } from "./parts/part-tables.ts";
import type { PartResult } from "./parts/parts.ts";
import type { ProbeName, ProbeResult } from "./probes.ts";

/** One table, first its head, and what a reader would otherwise have to compute. */
export interface ProbeTable {
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** Undefined when nothing of that name was measured. */
export function probeTable(name: ProbeName, results: readonly ProbeResult[]): ProbeTable | undefined {
  const some = results.filter((result) => result.kind === name);
  if (some.length === 0) return undefined;
  switch (name) {
    case "connections":
      return connectionsTable(some.filter((result) => result.kind === "connections"));
    case "fairness":
      return fairnessTable(some.filter((result) => result.kind === "fairness"));
    case "attacks":
      return attacksTable(some.filter((result) => result.kind === "attacks"));
    default: {
      const part = results.find((result): result is PartResult => result.kind === name);
      if (part === undefined) throw new Error("a part without a result");
      return partTable(part);
    }
  }
}

function connectionsTable(results: readonly ConnectionsResult[]): ProbeTable {
  const head = ["system", "sockets", "connections", "opened/s", "requests", "KB each", "KB each, peak"];
  head.push("RSS empty MiB", "RSS peak MiB", "CPU %", "p50 ms", "p99 ms", "all there");
  const rows = results.map((each) => [
    each.system,
    each.tls ? "TLS" : "plain",
    each.kept === each.opened ? count(each.opened) : `${count(each.kept)} of ${count(each.opened)}`,
    count(each.openedPerSecond),
    each.refused === 0 ? count(each.acknowledged) : `${count(each.acknowledged)}, refused ${count(each.refused)}`,
    (each.bytesPerConnection / 1_000).toFixed(1),
    (each.peakBytesPerConnection / 1_000).toFixed(1),
    each.emptyRssMiB.toFixed(0),
    each.peakRssMiB.toFixed(0),
    each.cpuPercent.toFixed(0),
    ms(each.p50Ms),
    ms(each.p99Ms),
    each.allThere ? "yes" : "NO",
  ]);
  const notes = results
    .filter((each) => each.opened < each.wanted)
    .map((each) => `${each.system}: ${count(each.opened)} of ${count(each.wanted)} connections could be opened here.`);
  return { rows: [head, ...rows], notes };
}

function fairnessTable(results: readonly FairnessResult[]): ProbeTable {
  const head = ["system", "streams", "requests of", "requests/s", "p50 ms", "p99 ms", "max ms"];
  head.push("a stream got least", "and most", "refused");
  const rows = results.flatMap(({ system, windowMs, classes, beside }) => [
    ...classes.map((each) => [
      system,
      count(each.streams),
      `${count(each.itemsPerRequest)} spans`,
      count((1_000 * each.requests) / windowMs),
      ms(each.latency.p50Ms),
      ms(each.latency.p99Ms),
      ms(each.latency.maxMs),
      `${megabytes(each.leastBytes)} MB`,
      `${megabytes(each.mostBytes)} MB`,
      count(each.refused),
    ]),
    ...[beside.alone, beside.withBusy].map((each, i) => [
      system,
      i === 0 ? "second connection, before" : "second connection, beside",
      "10 spans",
      count(beside.requestsPerSecond),
      ms(each.latency.p50Ms),
      ms(each.latency.p99Ms),
      ms(each.latency.maxMs),
      "-",
      "-",
      count(notTaken(each)),
    ]),
  ]);
  return { rows: [head, ...rows], notes: results.flatMap(({ pinned }) => pinNote(pinned)).slice(0, 1) };
}

function attacksTable(results: readonly AttacksResult[]): ProbeTable {
  const head = ["attack", "frames/s", "MB/s", "connections", "what it got", "counted as", "router CPU %", "RSS MiB"];
  head.push("client p50 ms", "p99 ms", "times calm", "max ms", "first p99 ms", "not taken");
  const rows = results.flatMap((result) => result.attacks.map((each) => attackRow(each, result.calm.latency.p99Ms)));
  const notes = results.flatMap((result) => [
    `${result.system}, ${count(result.clientPerSecond)} requests a second of a well-behaved client. Without an attack its p50 is ` +
      `${ms(result.calm.latency.p50Ms)} ms, its p99 ${ms(result.calm.latency.p99Ms)} ms and its longest ${ms(result.calm.latency.maxMs)} ms; ` +
      `p99 by round: ${result.calmP99Ms.map(ms).join(", ")} ms.`,
    ...pinNote(result.pinned),
  ]);
  return { rows: [head, ...rows], notes };
}

function attackRow(each: UnderAttack, calmP99Ms: number): string[] {
  const { outcome, during } = each;
  return [
    `${each.name}: ${each.title}`,
    count(outcome.frames / during.seconds),
    (outcome.bytes / 1_000_000 / during.seconds).toFixed(1),
    count(outcome.connections),
    list(outcome.got),
    list(each.faults),
    each.cpuPercent.toFixed(0),
    each.rssMiB.toFixed(0),
    ms(during.latency.p50Ms),
    ms(during.latency.p99Ms),
    (during.latency.p99Ms / calmP99Ms).toFixed(2),
    ms(during.latency.maxMs),
    ms(each.firstP99Ms),
    count(notTaken(during)),
  ];
}

function pinNote(pinned: boolean): string[] {
  return pinned ? [] : ["Nothing could be pinned to cores: what the load costs is in these latencies, too."];
}

/** `GOAWAY ENHANCE_YOUR_CALM 17, closed 2`. */
function list(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([what, times]) => `${what} ${count(times)}`);
  return parts.length === 0 ? "-" : parts.join(", ");
}

function ms(value: number): string {
  return value.toFixed(2);
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
