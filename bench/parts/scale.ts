import { systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";
import { privateBytesOf } from "../process-usage.ts";
import { measureDeath } from "../scale/controller-death.ts";
import { type CountedStore, type CountedStoreKind, openCountedStore } from "../scale/counted-store.ts";
import { discoveryOf, type PhaseAmounts, publishesOf, steadyWindow, stormOf } from "../scale/phases.ts";
import type { ScaleResult } from "../scale/results.ts";
import { DOCUMENT_BYTES, type FleetAmounts, openScaleFleet, REPORT_MS } from "../scale/scale-fleet.ts";
import { SIGNALBOX } from "../system.ts";

interface ScaleAmounts {
  readonly fleet: FleetAmounts;
  readonly phases: Omit<PhaseAmounts, "collectors" | "gateways">;
  /** One region with several controllers, of which one dies. */
  readonly death: FleetAmounts;
  /** After it: whoever leads next learns who is there. */
  readonly learningMs: number;
}

const FULL: ScaleAmounts = {
  fleet: {
    collectors: 10_000,
    regions: 20,
    controllersOfRegion: 1,
    gateways: 64,
    controllerProcesses: 20,
    collectorProcesses: 4,
    beginMs: 10_000,
  },
  phases: { settleMs: 8_000, windowMs: 30_000, publishes: 5, afterStormMs: 6_000 },
  death: {
    collectors: 2_000,
    regions: 1,
    controllersOfRegion: 3,
    gateways: 64,
    controllerProcesses: 3,
    collectorProcesses: 2,
    beginMs: 15_000,
  },
  // Until a controller that is new takes those for gone who have not come to it.
  learningMs: 65_000,
};
const SHORT: ScaleAmounts = {
  fleet: {
    ...FULL.fleet,
    collectors: 1_000,
    gateways: 8,
    controllerProcesses: 4,
    collectorProcesses: 1,
    beginMs: 1_500,
  },
  phases: { settleMs: 500, windowMs: 6_000, publishes: 2, afterStormMs: 3_000 },
  death: { ...FULL.death, collectors: 200, gateways: 8, collectorProcesses: 1, beginMs: 1_500 },
  learningMs: 3_000,
};
const EMPTY_MS = 10_000;

export async function measureScale(short: boolean, kind: CountedStoreKind): Promise<ScaleResult> {
  const amounts = short ? SHORT : FULL;
  const death = await inStore(kind, (store) =>
    measureDeath(store, amounts.death, { ...amounts, settleMs: amounts.phases.settleMs }),
  );
  return inStore(kind, async (store) => ({ ...(await measureFleet(amounts, store, kind)), death }));
}

async function inStore<T>(kind: CountedStoreKind, measure: (store: CountedStore) => Promise<T>): Promise<T> {
  await using store = await openCountedStore(kind);
  return await measure(store);
}

async function measureFleet(
  amounts: ScaleAmounts,
  store: CountedStore,
  kind: CountedStoreKind,
): Promise<Omit<ScaleResult, "death">> {
  const { collectors, regions, gateways, beginMs: beganWithinMs } = amounts.fleet;
  const phases: PhaseAmounts = { ...amounts.phases, collectors, gateways };
  await using fleet = await openScaleFleet(store, amounts.fleet);
  await fleet.untilLed();
  const empty = await steadyWindow(fleet, store, Math.min(EMPTY_MS, phases.windowMs));
  const emptyBytes = await fleet.restingBytes();
  const beganMs = systemClock.nowMs();
  await fleet.begin();
  await fleet.untilRun(1);
  const allThereMs = systemClock.nowMs() - beganMs;
  await pause(phases.settleMs);
  const steady = await steadyWindow(fleet, store, phases.windowMs);
  const fullBytes = await fleet.restingBytes();
  const { publishes, publishing } = await publishesOf(fleet, store, phases);
  const storm = await stormOf(fleet, store, phases);
  const discovery = await discoveryOf(fleet, store, phases);
  const ended = await fleet.controllers();
  const { following } = await fleet.collectors();
  return {
    kind: kind === "etcd" ? "scale" : "scale-consul",
    system: SIGNALBOX.name,
    store: store.name,
    collectors,
    regions,
    controllerProcesses: fleet.controllerPids.length,
    collectorProcesses: fleet.collectorPids.length,
    reportIntervalMs: REPORT_MS,
    documentBytes: DOCUMENT_BYTES,
    beganWithinMs,
    allThereMs,
    empty,
    steady,
    emptyBytes,
    fullBytes,
    publishes,
    publishing,
    storm,
    discovery,
    simulationBytes: fleet.collectorPids.reduce((sum, pid) => sum + privateBytesOf(pid), 0),
    sessionsLost: ended.sessionsLost,
    // One gateway of each region has left.
    allThere: following === collectors - regions && ended.collectors === following && ended.leads.length === regions,
  };
}
