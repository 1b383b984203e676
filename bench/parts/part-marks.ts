import { atLeast, below, megabytes, milliseconds, none, percent, times } from "../mark.ts";
import type { Mark } from "../mark.ts";
import { NGINX } from "../peers.ts";
import { SIGNALBOX } from "../system.ts";
import { DIRECT, SHARES } from "./added-latency.ts";
import { HELD, THOUSAND } from "./against.ts";
import { failedElsewhere, lostElsewhere } from "./deaths.ts";
import type { DeathsResult } from "./deaths.ts";
import { fleetMarks } from "./fleet-tables.ts";
import { scaleMarks } from "./scale-tables.ts";
import { STAGES } from "./memory.ts";
import type { MemoryResult, MemoryRun } from "./memory.ts";
import { fullIn10s } from "./part-tables.ts";
import type { PartResult } from "./parts.ts";
import { BACK_SHARE } from "./recovery.ts";
import type { RecoveryResult } from "./recovery.ts";
import { rulesMarks } from "./rules-tables.ts";
import type { SeriesResult } from "./series.ts";
import { median, timesOf } from "./statistics.ts";
import { protocolMarks, samplingMarks, wireMarks } from "./wire-marks.ts";
import { WORKERS } from "./workers.ts";

export function partMarks(result: PartResult): Mark[] {
  switch (result.kind) {
    case "workers":
      return workerMarks(result);
    case "latency":
    case "latency-wire":
      return SHARES.flatMap(({ load }) => latencyMark(result, load));
    case "wire":
      return wireMarks(result);
    case "protocols":
      return protocolMarks(result);
    case "sampling":
      return samplingMarks(result);
    case "in-flight":
      return inFlightMarks(result);
    case "against":
      return againstMarks(result);
    case "recovery":
      return recoveryMarks(result);
    case "memory":
      return memoryMarks(result);
    case "rules":
      return rulesMarks(result);
    case "deaths":
      return deathsMarks(result);
    case "fleet":
      return fleetMarks(result);
    case "scale":
    case "scale-consul":
      return scaleMarks(result);
    case "signals":
    case "wire-http":
    case "stages":
      return []; // what differs is told, not promised
    case "stores":
      return []; // others' programs: there is nothing to hold them to
    default:
      throw new Error("a part without marks");
  }
}

function workerMarks({ series, cores }: SeriesResult): Mark[] {
  const [one, two] = WORKERS.map(({ name }) => series.find(({ system }) => system === name));
  if (one === undefined || two === undefined) return [];
  const dearer = 1 / timesOf(two, one, ({ itemsPerCpuSecond }) => itemsPerCpuSecond);
  const marks = [below("two workers: CPU per span, times that of one", dearer, 1.1, times)];
  if (cores === undefined || cores.count < 2) return marks;
  const more = timesOf(two, one, ({ itemsPerSecond }) => itemsPerSecond);
  return [...marks, atLeast("two workers: spans a second, times those of one", more, 1.8, times)];
}

const NGINX_CARRIES = 0.95;

/** One slice of the scheduler more, where the main process has no core besides that of the data. */
function latencyMark({ series, cores }: SeriesResult, load: string): Mark[] {
  const all = [DIRECT, SIGNALBOX.name, NGINX.name].map((name) =>
    series.find((each) => each.load === load && each.system === name),
  );
  const windows = all.map((each) => each?.windows ?? []);
  const [offered = 0, , carried = 0] = windows.map((some) => median(some.map(({ itemsPerSecond }) => itemsPerSecond)));
  // Not there, or behind by more with every second: nothing to be compared with.
  if (carried < NGINX_CARRIES * offered || carried === 0) return [];
  const [direct = 0, own = 0, nginx = 0] = windows.map((some) => median(some.map(({ p99Ms }) => p99Ms)));
  const pinned = cores !== undefined && cores.count === 1;
  const what = `p99 added at ${load} (${milliseconds(own - direct)}), above what nginx adds (${milliseconds(nginx - direct)})`;
  return [below(what, own - nginx, pinned ? 4 : 1, milliseconds)];
}

function inFlightMarks({ series }: SeriesResult): Mark[] {
  const [few, many] = series;
  if (few === undefined || many === undefined) return [];
  const share = timesOf(many, few, ({ itemsPerSecond }) => itemsPerSecond);
  return [
    atLeast("8,000 requests in flight: goodput, as a share of that with 64", share, 0.9, percent),
    none("8,000 requests in flight: full collections in 10 s (median)", median(many.windows.map(fullIn10s))),
  ];
}

/** Of the loads over gRPC; the noise of a median of some windows is no loss. */
function againstMarks({ series }: SeriesResult): Mark[] {
  const loads = [...new Set(series.map(({ load }) => load))].filter((load) => !load.startsWith("HTTP"));
  return loads.flatMap((load) => {
    const [other, own] = series.filter((each) => each.load === load);
    if (other === undefined || own === undefined) return [];
    const cost = 1 / timesOf(own, other, ({ itemsPerCpuSecond }) => itemsPerCpuSecond);
    const most = load === THOUSAND || load === HELD ? 0.9 : 1;
    return [below(`${load}: CPU per span, times that of the other build`, cost, most, times)];
  });
}

function recoveryMarks({ rounds }: RecoveryResult): Mark[] {
  const triple = median(rounds.map(({ best, triple: { itemsPerSecond } }) => itemsPerSecond / best.itemsPerSecond));
  const back = median(rounds.map(({ backAfterMs = Number.POSITIVE_INFINITY }) => backAfterMs));
  return [
    atLeast("three times capacity: goodput, as a share of the best", triple, 0.95, percent),
    below(`after a pause of 2 s: ${percent(BACK_SHARE)} of the best again after`, back, 2_000, seconds),
  ];
}

function memoryMarks({ runs }: MemoryResult): Mark[] {
  const plain = runs.filter(({ what }) => what === "plain");
  const main = Math.max(...plain.flatMap(({ stages }) => stages.map(({ mainBytes }) => mainBytes)));
  // Above the arena, which is counted as if all of it were touched.
  const workers = plain.flatMap(({ arenaBytes, stages }) =>
    stages.flatMap(({ workerBytes }) => workerBytes.map((bytes) => bytes - arenaBytes)),
  );
  const marks = [below("private memory of the main process, at its highest", main, 70e6, megabytes)];
  if (workers.length > 0)
    marks.push(
      below("private memory of a worker without its arena, at its highest", Math.max(...workers), 80e6, megabytes),
    );
  for (const rules of runs.filter(({ what }) => what === "10,000 rules")) {
    const without = plain.find(({ workers: count }) => count === rules.workers);
    if (without !== undefined) marks.push(...addedByRules(rules, without));
  }
  return marks;
}

/** At a load that leaves nothing behind but what is kept. */
function addedByRules(rules: MemoryRun, without: MemoryRun): Mark[] {
  const [more, less] = [rules, without].map(({ stages }) => stages.find(({ name }) => name === STAGES.light));
  if (more === undefined || less === undefined) return [];
  const name = `10,000 rules, node.workers: ${rules.workers}`;
  const marks = [
    below(`${name}: private memory of the main process`, more.mainBytes - less.mainBytes, 40e6, megabytes),
  ];
  if (more.workerBytes.length === 0 || less.workerBytes.length === 0) return marks;
  const added = median(more.workerBytes) - median(less.workerBytes);
  return [...marks, below(`${name}: private memory of a worker`, added, 40e6, megabytes)];
}

function deathsMarks(result: DeathsResult): Mark[] {
  const { loads, check, ledger } = result;
  const hanging = loads.reduce((sum, load) => {
    const missing = load.protocol === "grpc" ? load.connections - load.open : 0;
    return sum + load.unanswered + missing;
  }, 0);
  const elsewhere = loads.reduce((sum, load) => sum + failedElsewhere(load), lostElsewhere(result));
  const what = "a worker killed every five seconds";
  return [
    none(`${what}: spans acknowledged and not delivered`, Math.max(0, check.acknowledgedItems - check.arrivedItems)),
    none(`${what}: requests failed and connections lost of other workers`, elsewhere),
    none(`${what}: connections and calls that hang`, hanging),
    {
      what: `${what}: the ledger`,
      mark: "balanced",
      measured: ledger.balanced ? "balanced" : "NOT",
      held: ledger.balanced,
    },
  ];
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : "not seen";
}
