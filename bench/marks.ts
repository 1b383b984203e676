import type { UnderAttack } from "./attack/under-attack.ts";
import { atLeast, below, millions, percent, thousands } from "./mark.ts";
import type { Mark } from "./mark.ts";
import type { Measurement } from "./measure.ts";
import { notTaken } from "./not-taken.ts";
import { partMarks } from "./parts/part-marks.ts";
import type { ProbeResult } from "./probes.ts";
import type { Report } from "./results.ts";
import { ROUTERS, SIGNALBOX } from "./system.ts";

/** Marks of which the report has what they need. */
export function marksOf({ measurements, probes }: Report): Mark[] {
  const own = ROUTERS.own.name;
  const node = ROUTERS.node.name;
  return [
    ...requests(measurements, "grpc-10", "receive only (own)", 90_000),
    ...spans(measurements, "grpc-10", own, 450_000),
    ...spans(measurements, "grpc-100", own, 1_800_000),
    ...spans(measurements, "grpc-1000", own, 2_000_000),
    ...spans(measurements, "grpc-10", node, 140_000),
    ...spans(measurements, "grpc-100", node, 900_000),
    ...spans(measurements, "grpc-1000", node, 1_200_000),
    ...spans(measurements, "rule-span", SIGNALBOX.name, 1_000_000),
    ...manyRules(measurements),
    ...memory(measurements),
    ...probes.flatMap((probe) => probeMarks(probe)),
  ];
}

function requests(all: readonly Measurement[], name: string, system: string, least: number): Mark[] {
  return rowsOf(all, name, system).map(({ requestsPerCpuSecond: measured }) =>
    atLeast(`${system}, ${name}: requests per CPU-second`, measured, least, thousands),
  );
}

function spans(all: readonly Measurement[], name: string, system: string, least: number): Mark[] {
  return rowsOf(all, name, system).map(({ itemsPerCpuSecond: measured }) =>
    atLeast(`${system}, ${name}: spans per CPU-second`, measured, least, millions),
  );
}

function manyRules(all: readonly Measurement[]): Mark[] {
  const [few] = rowsOf(all, "rules-10-wide", SIGNALBOX.name);
  const [many] = rowsOf(all, "rules-10000", SIGNALBOX.name);
  if (few === undefined || many === undefined) return [];
  const share = many.itemsPerCpuSecond / few.itemsPerCpuSecond;
  return [atLeast("10,000 rules, as a share of the throughput with 10", share, 0.75, percent)];
}

function memory(all: readonly Measurement[]): Mark[] {
  const own = all.filter(({ system }) => system === SIGNALBOX.name);
  const highest = own.toSorted((left, right) => right.peakRssMiB - left.peakRssMiB)[0];
  if (highest === undefined) return [];
  const megabytes = (value: number): string => `${value.toFixed(0)} MB`;
  return [below(`RSS at its highest (${highest.case})`, (highest.peakRssMiB * 1_048_576) / 1e6, 200, megabytes)];
}

function probeMarks(probe: ProbeResult): Mark[] {
  switch (probe.kind) {
    case "connections": {
      // With fewer, what the router needs once is a larger part; with TLS most of it is OpenSSL's.
      if (probe.tls || probe.opened < 10_000) return [];
      const what = `${probe.system}: memory of each of ${thousands(probe.opened)} connections, at its highest`;
      return [below(what, probe.peakBytesPerConnection / 1_000, 40, (value) => `${value.toFixed(1)} KB`)];
    }
    case "fairness": {
      const shares = probe.classes.map(({ leastBytes, mostBytes }) => (mostBytes === 0 ? 0 : leastBytes / mostBytes));
      const what = `${probe.system}: of 1,000 streams, the one that got least as a share of the one that got most, same size of requests`;
      return [atLeast(what, Math.min(...shares), 0.5, percent)];
    }
    case "attacks": {
      const attacks = probe.attacks.filter(({ harmless }) => !harmless);
      const ratio = (each: (typeof attacks)[number]): number => each.during.latency.p99Ms / probe.calm.latency.p99Ms;
      const worst = attacks.toSorted((left, right) => ratio(right) - ratio(left))[0];
      if (worst === undefined) return [];
      const refused = attacks.filter((each) => isUnserved(each, probe.clientPerSecond)).map(({ name }) => name);
      const none = `${probe.system}: attacks under which a well-behaved client is refused, reset or left waiting`;
      // A window or two say more about the collector than about attacks.
      const latency =
        probe.rounds < 2
          ? []
          : [
              below(
                `${probe.system}: p99 of a well-behaved client, times that without attack (worst: ${worst.name})`,
                ratio(worst),
                2,
                (value) => value.toFixed(2),
              ),
            ];
      return [
        ...latency,
        {
          what: none,
          mark: "none",
          measured: refused.length === 0 ? "none" : refused.join(", "),
          held: refused.length === 0,
        },
      ];
    }
    default:
      return partMarks(probe);
  }
}

/** A tenth of its requests may be under way or late; none may be refused. */
function isUnserved({ during }: UnderAttack, clientPerSecond: number): boolean {
  return notTaken(during) > 0 || during.ackedRequests < 0.9 * clientPerSecond * during.seconds;
}

function rowsOf(all: readonly Measurement[], name: string, system: string): Measurement[] {
  return all.filter((each) => each.case === name && each.system === system);
}
