import { notTaken } from "../not-taken.ts";
import type { ProbeTable } from "../probe-tables.ts";
import { failedElsewhere, lostElsewhere } from "./deaths.ts";
import type { DeathsResult } from "./deaths.ts";
import { fleetTable } from "./fleet-tables.ts";
import { scaleTable } from "./scale-tables.ts";
import type { MemoryResult } from "./memory.ts";
import type { PartResult } from "./parts.ts";
import type { RecoveryResult } from "./recovery.ts";
import { rulesTable } from "./rules-tables.ts";
import type { Cores, LaneWindow, Series, SeriesResult } from "./series.ts";
import { median, ratios } from "./statistics.ts";
import { IN_FLIGHT } from "./stores.ts";
import type { StoresResult } from "./stores.ts";

export function partTable(result: PartResult): ProbeTable {
  switch (result.kind) {
    case "recovery":
      return recoveryTable(result);
    case "memory":
      return memoryTable(result);
    case "rules":
      return rulesTable(result);
    case "deaths":
      return deathsTable(result);
    case "stores":
      return storesTable(result);
    case "fleet":
      return fleetTable(result);
    case "scale":
    case "scale-consul":
      return scaleTable(result);
    default:
      return seriesTable(result);
  }
}

/** Medians; `times the first` is of the first system under the same load, turn by turn. */
function seriesTable({ series, cores, notes = [] }: SeriesResult): ProbeTable {
  const head = ["load", "system", "windows", "items/s", "times the first", "items/CPU-s", "times the first"];
  head.push("MB/CPU-s", "CPU %", "p50 ms", "p99 ms", "not taken", "all there", "load + sink CPU %");
  const collections = series.some(({ windows }) => windows.some((window) => window.collections !== undefined));
  if (collections) head.push("full collections in 10 s", "longest ms");
  const rows = series.map((each) => {
    const of = (figure: (window: LaneWindow) => number): number => median(each.windows.map(figure));
    const first = series.find(({ load }) => load === each.load)!;
    const row = [
      each.load,
      each.system,
      count(each.windows.length),
      count(of(({ itemsPerSecond }) => itemsPerSecond)),
      timesFirst(each, first, ({ itemsPerSecond }) => itemsPerSecond),
      count(of(({ itemsPerCpuSecond }) => itemsPerCpuSecond)),
      timesFirst(each, first, ({ itemsPerCpuSecond }) => itemsPerCpuSecond),
      count(of(({ bytesPerCpuSecond }) => bytesPerCpuSecond) / 1e6),
      of(({ cpuPercent }) => cpuPercent).toFixed(0),
      ms(of(({ p50Ms }) => p50Ms)),
      ms(of(({ p99Ms }) => p99Ms)),
      count(each.windows.reduce((sum, window) => sum + notTaken(window), 0)),
      each.allThere ? "yes" : "NO",
      `${of(({ generatorCpuPercent }) => generatorCpuPercent).toFixed(0)} + ${of(({ sinkCpuPercent }) => sinkCpuPercent).toFixed(0)}`,
    ];
    if (collections) row.push(of(fullIn10s).toFixed(1), ms(Math.max(...each.windows.map(longestMs))));
    return row;
  });
  return { rows: [head, ...rows], notes: [...coresNote(cores), ...notes] };
}

/** `1.04 (0.93-1.10)`: the median and the middle half. */
function timesFirst(series: Series, first: Series, figure: (window: LaneWindow) => number): string {
  if (series === first) return "1";
  const all = ratios(series.windows.map(figure), first.windows.map(figure)).toSorted((a, b) => a - b);
  const at = (share: number): string => (all[Math.round(share * (all.length - 1))] ?? 0).toFixed(2);
  return `${median(all).toFixed(2)} (${at(0.25)}-${at(0.75)})`;
}

export function fullIn10s({ collections, windowMs }: LaneWindow): number {
  return ((collections?.full ?? 0) * 10_000) / windowMs;
}

function longestMs({ collections }: LaneWindow): number {
  return collections?.longestMs ?? 0;
}

function recoveryTable({ system, rounds, allThere, cores }: RecoveryResult): ProbeTable {
  const head = ["system", "round", "best spans/s", "three times: spans/s", "share", "p99 ms", "not taken"];
  head.push("back after s", "first 2 s", "next 2 s", "all there", "CPU %", "load + sink CPU %");
  const rows = rounds.map(({ best, triple, backAfterMs, firstItemsPerSecond, thenItemsPerSecond }, i) => [
    system,
    count(i + 1),
    count(best.itemsPerSecond),
    count(triple.itemsPerSecond),
    percent(triple.itemsPerSecond / best.itemsPerSecond),
    ms(triple.p99Ms),
    count(notTaken(triple)),
    backAfterMs === undefined ? "not seen" : (backAfterMs / 1_000).toFixed(1),
    percent(firstItemsPerSecond / best.itemsPerSecond),
    percent(thenItemsPerSecond / best.itemsPerSecond),
    allThere ? "yes" : "NO",
    triple.cpuPercent.toFixed(0),
    `${triple.generatorCpuPercent.toFixed(0)} + ${triple.sinkCpuPercent.toFixed(0)}`,
  ]);
  return { rows: [head, ...rows], notes: coresNote(cores) };
}

function memoryTable({ runs, connections }: MemoryResult): ProbeTable {
  const head = ["what", "load", "workers", "spans/s", "main MB", "each worker MB", "its arena MB"];
  const rows = runs.flatMap(({ what, workers, arenaBytes, stages }) =>
    stages.map(({ name, itemsPerSecond, mainBytes, workerBytes }) => [
      what,
      name,
      count(workers),
      count(itemsPerSecond),
      megabytes(mainBytes),
      workerBytes.length === 0 ? "-" : workerBytes.map(megabytes).join(", "),
      arenaBytes === 0 ? "-" : megabytes(arenaBytes),
    ]),
  );
  const note = `Private memory, at its highest, with ${count(connections)} connections once there is a load; 100 spans a request.`;
  return { rows: [head, ...rows], notes: [note] };
}

function deathsTable(result: DeathsResult): ProbeTable {
  const { deaths, reloads, loads, check, ledger, seconds, restarts } = result;
  const head = ["load", "connections", "able at the end", "requests", "of killed workers", "of others", "unanswered"];
  const rows = loads.map((load) => [
    load.protocol === "grpc" ? "gRPC" : "HTTP/1.1",
    count(load.connections),
    count(load.open),
    count(load.counts.ackedRequests),
    count(notTaken(load.counts) - failedElsewhere(load)),
    count(failedElsewhere(load)),
    count(load.unanswered),
  ]);
  const lost = Object.entries(
    ledger.entries.reduce<Record<string, number>>((all, entry) => {
      for (const [reason, lostItems] of Object.entries(entry.lost)) all[reason] = (all[reason] ?? 0) + lostItems;
      return all;
    }, {}),
  ).map(([reason, lostItems]) => `${reason} ${count(lostItems)}`);
  const received = ledger.entries.reduce((sum, entry) => sum + entry.received, 0);
  const notes = [
    `${deaths.length} workers killed in ${seconds.toFixed(0)} s with ${deaths.map(({ connections }) => connections).join(", ")} connections; ` +
      `each away for ${ms(median(deaths.map(({ awayMs }) => awayMs)))} ms (median), ${restarts} restarts told, ${reloads} new configs. ` +
      `Connections lost that no killed worker had: ${lostElsewhere(result)}.`,
    `${count(check.acknowledgedItems)} spans acknowledged, ${count(check.arrivedItems)} arrived, ${count(check.duplicates)} twice. ` +
      `Ledger ${ledger.balanced ? "balanced" : "NOT balanced"}: ${count(received)} received, lost: ${lost.length === 0 ? "none" : lost.join(", ")}.`,
  ];
  return { rows: [head, ...rows], notes };
}

function storesTable({ stores, watches, notes }: StoresResult): ProbeTable {
  const calls = (["puts", "txns", "gets"] as const).flatMap((call) =>
    IN_FLIGHT.map((inFlight) => ({ call, inFlight, head: `${call}/s, ${inFlight} at a time` })),
  );
  const head = ["store", "version", ...calls.map((each) => each.head), "write to event p50 ms", "p99 ms"];
  head.push("KB a watch", "lock handed over ms", "after a kill s");
  const some = (value: number | undefined, text: (value: number) => string): string =>
    value === undefined ? "-" : text(value);
  const rows = stores.map(({ store, version, rates, lag, bytesPerWatch, handOverMs, takeOverMs }) => [
    store,
    version,
    ...calls.map(({ call, inFlight }) => some(rates.find((each) => each.inFlight === inFlight)?.[call], count)),
    some(lag?.p50Ms, ms),
    some(lag?.p99Ms, ms),
    some(bytesPerWatch, (bytes) => (bytes / 1_000).toFixed(1)),
    some(handOverMs, ms),
    some(takeOverMs, (took) => (took / 1_000).toFixed(1)),
  ]);
  const how =
    "Values of 200 bytes; a txn compares one key and writes two. " +
    `A watch is one of ${count(watches)}, in the client's process. Client and store share all cores.`;
  return { rows: [head, ...rows], notes: [how, ...notes] };
}

function coresNote(cores: Cores | undefined): string[] {
  return cores === undefined
    ? ["System, load and sinks share all cores."]
    : [`The system has core ${cores.system}, load and sinks have ${cores.others}.`];
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function ms(value: number): string {
  return value.toFixed(2);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
