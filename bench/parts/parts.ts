import { measureAddedLatency } from "./added-latency.ts";
import { caseNamed } from "../cases.ts";
import { USUAL } from "./lanes.ts";
import { measureAgainst } from "./against.ts";
import { measureDeaths } from "./deaths.ts";
import type { DeathsResult } from "./deaths.ts";
import { measureFleet } from "./fleet.ts";
import type { FleetResult } from "./fleet.ts";
import { measureInFlight } from "./in-flight.ts";
import { measureMemory } from "./memory.ts";
import { measureProtocols } from "./protocols.ts";
import type { MemoryResult } from "./memory.ts";
import { measureRecovery } from "./recovery.ts";
import type { RecoveryResult } from "./recovery.ts";
import { measureRules } from "./rules.ts";
import type { RulesResult } from "./rules.ts";
import { measureScale } from "./scale.ts";
import { measureSignals } from "./signals.ts";
import { measureSampling, measureStages } from "./stages.ts";
import type { SeriesResult } from "./series.ts";
import type { ScaleResult } from "../scale/results.ts";
import { measureStores } from "./stores.ts";
import type { StoresResult } from "./stores.ts";
import { measureWire } from "./wire.ts";
import { measureWorkers } from "./workers.ts";

export type PartResult =
  | SeriesResult
  | RecoveryResult
  | MemoryResult
  | RulesResult
  | DeathsResult
  | StoresResult
  | FleetResult
  | ScaleResult;

export interface PartOptions {
  readonly short: boolean;
  /** Of each system; undefined: as many as the part has by itself. */
  readonly windows: number | undefined;
  /** A checkout that was built. */
  readonly against: string | undefined;
}

/** What is measured in turns, with the windows of each system when it is not short. */
export const PARTS = [
  { name: "workers", title: "two workers and none beside one", windows: 20 },
  { name: "latency", title: "latency at a quarter and at half of the capacity", windows: 8 },
  { name: "latency-wire", title: "the same under the load of the part wire", windows: 8 },
  { name: "wire", title: "gRPC beside a proxy that reads nothing, and others", windows: 8 },
  { name: "wire-http", title: "the same over HTTP/1.1", windows: 8 },
  { name: "protocols", title: "HTTP/1.1, TLS, gzip and JSON beside gRPC", windows: 8 },
  { name: "signals", title: "logs and metrics beside traces", windows: 8 },
  { name: "sampling", title: "what sampling costs beside none", windows: 8 },
  { name: "stages", title: "limits and degradation that take nothing", windows: 8 },
  { name: "recovery", title: "three times the capacity, and targets that stand still for two seconds", windows: 4 },
  { name: "in-flight", title: "8,000 requests in flight beside 64", windows: 4 },
  { name: "memory", title: "private memory with 1,000 connections", windows: 1 },
  { name: "rules", title: "10,000 rules beside ten: start, changes, throughput, memory", windows: 8 },
  { name: "against", title: "another build beside this one", windows: 8 },
  {
    name: "deaths",
    title: "a worker killed every five seconds, while targets fail and the config changes",
    windows: 1,
  },
  { name: "stores", title: "the coordination stores that are there", windows: 1 },
  {
    name: "fleet",
    title: "three nodes over etcd: configs, leases at full load, a main loop that is blocked",
    windows: 1,
  },
  { name: "scale", title: "10,000 simulated collectors in 20 regions, with real controllers and etcd", windows: 1 },
  { name: "scale-consul", title: "the same over Consul", windows: 1 },
] as const;

export type PartName = (typeof PARTS)[number]["name"];

const SHORT_WINDOWS = 2;

export function measurePart(name: PartName, { short, windows, against }: PartOptions): Promise<PartResult> {
  const usual = PARTS.find((part) => part.name === name)!.windows;
  const count = windows ?? (short ? Math.min(usual, SHORT_WINDOWS) : usual);
  switch (name) {
    case "workers":
      return measureWorkers(count, short);
    case "latency":
      return measureAddedLatency("latency", USUAL, count, short);
    case "latency-wire":
      return measureAddedLatency("latency-wire", caseNamed("wire-100"), count, short);
    case "wire":
      return measureWire("wire", count, short);
    case "wire-http":
      return measureWire("wire-http", count, short);
    case "protocols":
      return measureProtocols(count, short);
    case "signals":
      return measureSignals(count, short);
    case "sampling":
      return measureSampling(count, short);
    case "stages":
      return measureStages(count, short);
    case "recovery":
      return measureRecovery(count, short);
    case "in-flight":
      return measureInFlight(count, short);
    case "memory":
      return measureMemory(short);
    case "rules":
      return measureRules(count, short);
    case "against":
      if (against === undefined) throw new Error("--against names the other build");
      return measureAgainst(against, count, short);
    case "deaths":
      return measureDeaths(short);
    case "stores":
      return measureStores(short);
    case "fleet":
      return measureFleet(short);
    case "scale":
      return measureScale(short, "etcd");
    case "scale-consul":
      return measureScale(short, "consul");
    default:
      throw new Error("a part that the benchmark does not know");
  }
}
