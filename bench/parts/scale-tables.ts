import { SESSION_TTL_MS } from "../../src/store/store.ts";
import { FULL_MARGIN_MS } from "../fleet/renewals.ts";
import { atLeast, below, type Mark, none } from "../mark.ts";
import type { ProbeTable } from "../probe-tables.ts";
import type { ControllerDeath, Discovery, ReconnectStorm, ScaleResult, UsedCpu } from "../scale/results.ts";
import type { SpreadTime } from "../scale/scale-fleet.ts";

/** Another leads at the latest, after a death. */
const LED_MS = SESSION_TTL_MS + 2_000;

export function scaleTable(result: ScaleResult): ProbeTable {
  const { steady, death } = result;
  const rows = [
    ["what", "measured"],
    ["store writes a second, all together", steady.storeWritesPerSecond.toFixed(1)],
    ["Reports a second", count(steady.reportsPerSecond)],
    ["calls that are held", count(steady.held)],
    ...cpuRows(result),
    ["controllers' private memory for each collector, KB", kilobytes(result.fullBytes - result.emptyBytes, result)],
    ["controllers' private memory without collectors, MB", (result.emptyBytes / 1e6).toFixed(0)],
    ["longest turn of a controller's loop, ms", count(steady.longestLoopMs)],
    ["least that was left of a lease at its renewal, s", margin(steady.leastMarginMs)],
    ...publishRows(result),
    ...stormRows(result.storm),
    ...discoveryRows(result, result.discovery),
    ["sessions lost", count(result.sessionsLost)],
    ["collectors there at the end", result.allThere ? "all" : "NOT ALL"],
    ...deathRows(death),
  ];
  return { rows, notes: scaleNotes(result) };
}

function cpuRows(result: ScaleResult): string[][] {
  const { collectors, empty, steady } = result;
  const each = (1_000 * (rate(steady.cpu).controllers - rate(empty.cpu).controllers)) / collectors;
  return [
    ["controllers' CPU for each collector, ms a second", each.toFixed(3)],
    ["CPU without collectors: controllers, store", cores(empty.cpu, "controllers", "store")],
    ["CPU with all: controllers, simulation, store", cores(steady.cpu, "controllers", "simulation", "store")],
  ];
}

function publishRows(result: ScaleResult): string[][] {
  const { publishes, publishing } = result;
  const perConfig = (of: "controllers" | "simulation"): string => {
    const above = publishing[of] - rate(result.steady.cpu)[of] * publishing.wallSeconds;
    return ((1_000 * above) / publishes.length / result.collectors).toFixed(3);
  };
  return [
    ["config on half of them, ms", publishes.map(({ halfMs }) => count(halfMs)).join(", ")],
    ["config on all of them, ms", publishes.map(({ allMs }) => count(allMs)).join(", ")],
    ["CPU meanwhile: controllers, simulation, store", cores(publishing, "controllers", "simulation", "store")],
    ["a config's CPU for each collector above what goes on, ms: controller", perConfig("controllers")],
    ["a config's CPU for each collector above what goes on, ms: simulation", perConfig("simulation")],
  ];
}

function stormRows(storm: ReconnectStorm): string[][] {
  return [
    ["storm: all are back after, s", (storm.backAfterMs / 1_000).toFixed(1)],
    ["storm: connections refused before", count(storm.refusedConnections)],
    ["storm: least that was left of a lease at its renewal, s", margin(storm.leastMarginMs)],
    ["storm: longest turn of a controller's loop, ms", count(storm.longestLoopMs)],
    ["storm: store writes", count(storm.storeWrites)],
  ];
}

function discoveryRows(
  result: ScaleResult,
  { gatewaysOfRegion, looking, steady, found, left, fullBytes }: Discovery,
): string[][] {
  const what = `${count(looking)} look for ${count(gatewaysOfRegion)} gateways of their region`;
  const more = (1_000 * (rate(steady.cpu).controllers - rate(result.steady.cpu).controllers)) / looking;
  return [
    [`${what}: all are found by half, by all after, ms`, spread(found)],
    [`${what}: calls that are held for that`, count(steady.looking)],
    [`${what}: store writes a second`, steady.storeWritesPerSecond.toFixed(1)],
    [`${what}: controllers' CPU for each of them on top, ms a second`, more.toFixed(3)],
    [`${what}: CPU: controllers, simulation, store`, cores(steady.cpu, "controllers", "simulation", "store")],
    [
      `${what}: controllers' private memory for each of them on top, KB`,
      ((fullBytes - result.fullBytes) / looking / 1_000).toFixed(1),
    ],
    [`${what}: longest turn of a controller's loop, ms`, count(steady.longestLoopMs)],
    ["one gateway of each region says goodbye: half, all know after, ms", spread(left)],
  ];
}

function deathRows(death: ControllerDeath): string[][] {
  const what = `one region of ${count(death.collectors)}, its controller killed`;
  return [
    [`${what}: another leads after, s`, (death.ledAfterMs / 1_000).toFixed(1)],
    [`${what}: all are back after, s`, (death.backAfterMs / 1_000).toFixed(1)],
    [`${what}: connections refused before`, count(death.refusedConnections)],
    [`${what}: fewest of ${count(death.gateways)} gateways that one has known since`, count(death.fewestFound)],
    [`${what}: longest turn of a controller's loop, ms`, count(death.longestLoopMs)],
    [`${what}: least that was left of another's lease, s`, margin(death.leastMarginMs)],
    [`${what}: the next config on half, on all after, ms`, spread(death.publish)],
  ];
}

function scaleNotes(result: ScaleResult): string[] {
  const { collectors, regions, controllerProcesses, collectorProcesses, steady, store, death } = result;
  const perSecond = result.reportIntervalMs / 1_000;
  const simulation = rate(steady.cpu).simulation;
  return [
    `${count(collectors)} collectors in ${count(regions)} regions, Reports each ${perSecond} s, loads that change all the time, a document of ` +
      `${count(result.documentBytes)} bytes; controllers in ${count(controllerProcesses)} processes, collectors in ${count(collectorProcesses)}, ${store}; ` +
      `window ${steady.cpu.wallSeconds.toFixed(0)} s. The last collector began after ${seconds(result.beganWithinMs)}; all ran the config after ${seconds(result.allThereMs)}.`,
    `A simulated collector takes ${((1_000 * simulation) / collectors).toFixed(3)} ms of CPU a second and ` +
      `${(result.simulationBytes / collectors / 1_000).toFixed(1)} KB: one core carries ${count(collectors / Math.max(0.001, simulation))} of them.`,
    `The region whose controller is killed is a fleet of its own with ${count(death.controllers)} controllers in as many processes; ` +
      `the one that is killed led the fleet, too: ${death.ledFleet ? "yes" : "no"}. A lease is ${seconds(SESSION_TTL_MS)}.`,
  ];
}

export function scaleMarks({
  collectors,
  steady,
  storm,
  publishes,
  sessionsLost,
  discovery,
  death,
}: ScaleResult): Mark[] {
  const what = `${count(collectors)} collectors`;
  const slowest = Math.max(...publishes.map(({ allMs }) => allMs));
  const writes = Math.max(steady.storeWritesPerSecond, discovery.steady.storeWritesPerSecond);
  return [
    below(`${what}: store writes a second`, writes, 5, (value) => value.toFixed(1)),
    below(`${what}: a config that is published runs on all after`, slowest, 2_000, seconds),
    atLeast(`${what}: least margin of a lease in a storm`, storm.leastMarginMs ?? 0, SESSION_TTL_MS / 2, seconds),
    none(`${what}: sessions lost`, sessionsLost),
    below(
      `${count(death.collectors)} of one region: another leads after its controller was killed`,
      death.ledAfterMs,
      LED_MS,
      seconds,
    ),
    none(
      `${count(death.collectors)} of one region: gateways lost while its controller changes`,
      death.gateways - death.fewestFound,
    ),
  ];
}

/** Processors that were used. */
function rate(cpu: UsedCpu): UsedCpu {
  const { wallSeconds, controllers, simulation, store } = cpu;
  return {
    wallSeconds: 1,
    controllers: controllers / wallSeconds,
    simulation: simulation / wallSeconds,
    store: store / wallSeconds,
  };
}

function cores(cpu: UsedCpu, ...of: readonly ("controllers" | "simulation" | "store")[]): string {
  const used = rate(cpu);
  return `${of.map((which) => used[which].toFixed(2)).join(", ")} cores`;
}

function spread({ halfMs, allMs }: SpreadTime): string {
  return `${count(halfMs)}, ${count(allMs)}`;
}

function kilobytes(bytes: number, { collectors }: ScaleResult): string {
  return (bytes / collectors / 1_000).toFixed(1);
}

function margin(ms: number | undefined): string {
  return ms === undefined ? "-" : `${(ms / 1_000).toFixed(2)} of ${(FULL_MARGIN_MS / 1_000).toFixed(1)}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
