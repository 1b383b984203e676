import { SESSION_TTL_MS } from "../../src/store/store.ts";
import { FULL_MARGIN_MS } from "../fleet/renewals.ts";
import { atLeast, below, none } from "../mark.ts";
import type { Mark } from "../mark.ts";
import type { ProbeTable } from "../probe-tables.ts";
import type { FleetMode, FleetResult } from "./fleet.ts";
import type { ScaleResult } from "./scale.ts";
import { median } from "./statistics.ts";

export function fleetTable({ nodes, store, modes, wedge }: FleetResult): ProbeTable {
  const head = ["workers", "applies", "runs on all ms", "most ms", "command ms", "requests meanwhile", "failed"];
  head.push("full load: spans/s", "CPU %", "failed", "renewals", "longest delay ms", "leases lost");
  const rows = modes.map(({ workers, applies, flowing, full, sessionsLost }) => [
    workers === 0 ? "none: main loop" : count(workers),
    count(applies.length),
    count(median(applies.map(({ allMs }) => allMs))),
    count(Math.max(...applies.map(({ allMs }) => allMs))),
    count(median(applies.map(({ commandMs }) => commandMs))),
    count(flowing.requests),
    count(flowing.failed),
    count(full.itemsPerSecond),
    (100 * full.cpu).toFixed(0),
    count(full.failed),
    count(full.renewals),
    count(full.longestDelayMs),
    count(sessionsLost),
  ]);
  const notes = [
    `${nodes} nodes over ${store}, all of them, the store, loads and sink on the same cores. \`config apply\` counts from when the store has ` +
      "the version until the last node says that it runs it; the whole command, with the start of its process, stands beside it.",
  ];
  if (wedge !== undefined) {
    notes.push(
      `The main loop of the node that led the fleet was blocked: another led after ${seconds(wedge.takenOverMs)} (lease: ${seconds(SESSION_TTL_MS)}); ` +
        `${count(wedge.stalled)} sessions were given up by the thread that renews them; ${count(wedge.flowing.failed)} of ${count(wedge.flowing.requests)} requests failed meanwhile.`,
    );
  }
  return { rows: [head, ...rows], notes };
}

export function scaleTable(result: ScaleResult): ProbeTable {
  const { collectors, steady, storm, publishes } = result;
  const perCollector = (result.fullBytes - result.emptyBytes) / collectors;
  const rows = [
    ["what", "measured"],
    ["store writes a second, all together", steady.storeWritesPerSecond.toFixed(1)],
    ["Reports a second", count(steady.reportsPerSecond)],
    ["calls that are held", count(steady.held)],
    ["controllers' CPU for each collector, ms a second", ((1_000 * steady.controllerCpu) / collectors).toFixed(3)],
    ["controllers' CPU, all together", cores(steady.controllerCpu)],
    ["controllers' private memory for each collector, KB", (perCollector / 1_000).toFixed(1)],
    ["controllers' private memory without collectors, MB", (result.emptyBytes / 1e6).toFixed(0)],
    ["longest turn of a controller's loop, ms", count(steady.longestLoopMs)],
    ["least that was left of a lease at its renewal, s", margin(steady.leastMarginMs)],
    ["store's CPU", cores(steady.storeCpu)],
    ["config on half of them, ms", publishes.map(({ halfMs }) => count(halfMs)).join(", ")],
    ["config on all of them, ms", publishes.map(({ allMs }) => count(allMs)).join(", ")],
    ["storm: all are back after, s", (storm.backAfterMs / 1_000).toFixed(1)],
    ["storm: connections refused before", count(storm.refusedConnections)],
    ["storm: least that was left of a lease at its renewal, s", margin(storm.leastMarginMs)],
    ["storm: longest turn of a controller's loop, ms", count(storm.longestLoopMs)],
    ["storm: store writes", count(storm.storeWrites)],
    ["sessions lost", count(result.sessionsLost)],
    ["collectors there at the end", result.allThere ? "all" : "NOT ALL"],
  ];
  return { rows, notes: scaleNotes(result) };
}

function scaleNotes(result: ScaleResult): string[] {
  const { collectors, regions, controllerProcesses, collectorProcesses, steady, store } = result;
  const perSecond = result.reportIntervalMs / 1_000;
  return [
    `${count(collectors)} collectors in ${count(regions)} regions, Reports each ${perSecond} s, loads that change all the time, a document of ` +
      `${count(result.documentBytes)} bytes; controllers in ${count(controllerProcesses)} processes, collectors in ${count(collectorProcesses)}, ${store}; ` +
      `window ${steady.seconds.toFixed(0)} s. The last collector began after ${seconds(result.beganWithinMs)}; all ran the config after ${seconds(result.allThereMs)}.`,
    `A simulated collector takes ${((1_000 * steady.simulationCpu) / collectors).toFixed(3)} ms of CPU a second and ` +
      `${(result.simulationBytes / collectors / 1_000).toFixed(1)} KB: one core carries ${count(collectors / Math.max(0.001, steady.simulationCpu))} of them.`,
  ];
}

export function fleetMarks({ modes, wedge }: FleetResult): Mark[] {
  const marks = modes.flatMap((mode) => modeMarks(mode));
  if (wedge === undefined) return marks;
  const most = SESSION_TTL_MS + 2_000;
  return [...marks, below("a blocked main loop: another leads after", wedge.takenOverMs, most, seconds)];
}

function modeMarks({ workers, applies, flowing, sessionsLost }: FleetMode): Mark[] {
  const what = workers === 0 ? "fleet, main loop" : `fleet, ${workers} workers`;
  const all = Math.max(...applies.map(({ allMs }) => allMs));
  return [
    below(`${what}: a config that is published runs on all nodes after`, all, 1_000, seconds),
    none(`${what}: requests that failed while configs were applied`, flowing.failed),
    none(`${what}: leases lost at full load`, sessionsLost),
  ];
}

export function scaleMarks({ collectors, steady, storm, publishes, sessionsLost }: ScaleResult): Mark[] {
  const what = `${count(collectors)} collectors`;
  const slowest = Math.max(...publishes.map(({ allMs }) => allMs));
  return [
    below(`${what}: store writes a second`, steady.storeWritesPerSecond, 5, (value) => value.toFixed(1)),
    below(`${what}: a config that is published runs on all after`, slowest, 2_000, seconds),
    atLeast(`${what}: least margin of a lease in a storm`, storm.leastMarginMs ?? 0, SESSION_TTL_MS / 2, seconds),
    none(`${what}: sessions lost`, sessionsLost),
  ];
}

function margin(ms: number | undefined): string {
  return ms === undefined ? "-" : `${(ms / 1_000).toFixed(2)} of ${(FULL_MARGIN_MS / 1_000).toFixed(1)}`;
}

function cores(secondsInOne: number): string {
  return `${secondsInOne.toFixed(2)} cores`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
