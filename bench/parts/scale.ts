import { systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";
import { privateBytesOf, usageOfTree } from "../process-usage.ts";
import { type CountedStore, type CountedStoreKind, openCountedStore } from "../scale/counted-store.ts";
import {
  DOCUMENT_BYTES,
  openScaleFleet,
  type PublishedConfig,
  REPORT_MS,
  type ScaleAmounts,
  type ScaleFleet,
} from "../scale/scale-fleet.ts";
import { SIGNALBOX } from "../system.ts";

/** A fleet of simulated collectors with real controllers and a real store. */
export interface ScaleResult {
  readonly kind: "scale" | "scale-consul";
  readonly system: string;
  readonly store: string;
  readonly collectors: number;
  readonly regions: number;
  readonly controllerProcesses: number;
  readonly collectorProcesses: number;
  readonly reportIntervalMs: number;
  readonly documentBytes: number;
  /** Until all are followed and run the config; the last collector begins at `beganWithinMs`. */
  readonly beganWithinMs: number;
  readonly allThereMs: number;
  readonly steady: SteadyWindow;
  /** Private memory of all controllers, with nobody there and with all. */
  readonly emptyBytes: number;
  readonly fullBytes: number;
  readonly publishes: readonly PublishedConfig[];
  readonly storm: ReconnectStorm;
  /** Of the processes that stand for collectors. */
  readonly simulationBytes: number;
  readonly sessionsLost: number;
  readonly allThere: boolean;
}

/** In which everything changes all the time, and nothing else happens. */
export interface SteadyWindow {
  readonly seconds: number;
  readonly reportsPerSecond: number;
  readonly held: number;
  readonly storeWritesPerSecond: number;
  /** Seconds of a processor in a second. */
  readonly controllerCpu: number;
  readonly simulationCpu: number;
  readonly storeCpu: number;
  readonly longestLoopMs: number;
  readonly leastMarginMs: number | undefined;
}

export interface ReconnectStorm {
  readonly reconnects: number;
  /** Until the last one was answered by its controller. */
  readonly backAfterMs: number;
  readonly refusedConnections: number;
  readonly longestLoopMs: number;
  readonly leastMarginMs: number | undefined;
  readonly renewals: number;
  readonly storeWrites: number;
}

const FULL: ScaleAmounts = {
  collectors: 10_000,
  regions: 20,
  controllerProcesses: 20,
  collectorProcesses: 4,
  beginMs: 10_000,
  settleMs: 8_000,
  windowMs: 30_000,
  publishes: 5,
  afterStormMs: 6_000,
};
const SHORT: ScaleAmounts = {
  ...FULL,
  collectors: 1_000,
  controllerProcesses: 4,
  collectorProcesses: 1,
  beginMs: 1_500,
  settleMs: 500,
  windowMs: 6_000,
  publishes: 2,
  afterStormMs: 3_000,
};

export function measureScale(short: boolean, store: CountedStoreKind): Promise<ScaleResult> {
  return measureFleetOf(short ? SHORT : FULL, store);
}

export async function measureFleetOf(amounts: ScaleAmounts, kind: CountedStoreKind): Promise<ScaleResult> {
  await using parts = new AsyncDisposableStack();
  const store = parts.use(await openCountedStore(kind));
  const fleet = parts.use(await openScaleFleet(store, amounts));
  await fleet.untilLed();
  const emptyBytes = await fleet.restingBytes();
  const beganMs = systemClock.nowMs();
  await fleet.begin();
  await fleet.untilRun(1);
  const allThereMs = systemClock.nowMs() - beganMs;
  await pause(amounts.settleMs);
  const steady = await steadyWindow(fleet, store, amounts.windowMs);
  const fullBytes = await fleet.restingBytes();
  const publishes: PublishedConfig[] = [];
  while (publishes.length < amounts.publishes) publishes.push(await fleet.publish(publishes.length + 2));
  const storm = await stormOf(fleet, store, amounts);
  const ended = await fleet.controllers();
  const { following } = await fleet.collectors();
  const { collectors, regions, beginMs: beganWithinMs } = amounts;
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
    steady,
    emptyBytes,
    fullBytes,
    publishes,
    storm,
    simulationBytes: fleet.collectorPids.reduce((sum, pid) => sum + privateBytesOf(pid), 0),
    sessionsLost: ended.sessionsLost,
    allThere: following === collectors && ended.collectors === collectors && ended.leads.length === regions,
  };
}

async function steadyWindow(fleet: ScaleFleet, store: CountedStore, windowMs: number): Promise<SteadyWindow> {
  await fleet.beginWindow();
  const look = async (): Promise<WindowEnd> => ({
    atMs: systemClock.nowMs(),
    writes: await store.writes(),
    reports: (await fleet.collectors()).reports,
    controllers: cpuOf(fleet.controllerPids),
    simulation: cpuOf(fleet.collectorPids),
    store: cpuOf([store.pid]),
  });
  const from = await look();
  await pause(windowMs);
  const to = await look();
  const seconds = (to.atMs - from.atMs) / 1_000;
  const rate = (of: (end: WindowEnd) => number): number => (of(to) - of(from)) / seconds;
  const { held, longestLoopMs, leastMarginMs } = await fleet.controllers();
  return {
    seconds,
    held,
    longestLoopMs,
    leastMarginMs,
    reportsPerSecond: rate(({ reports }) => reports),
    storeWritesPerSecond: rate(({ writes }) => writes),
    controllerCpu: rate(({ controllers }) => controllers),
    simulationCpu: rate(({ simulation }) => simulation),
    storeCpu: rate((end) => end.store),
  };
}

interface WindowEnd {
  readonly atMs: number;
  readonly writes: number;
  readonly reports: number;
  readonly controllers: number;
  readonly simulation: number;
  readonly store: number;
}

async function stormOf(
  fleet: ScaleFleet,
  store: CountedStore,
  { collectors, afterStormMs }: ScaleAmounts,
): Promise<ReconnectStorm> {
  await fleet.beginWindow();
  const writesBefore = await store.writes();
  const { refusedConnections: refusedBefore } = await fleet.controllers();
  const cutMs = await fleet.cut();
  const { lastHeardMs } = await fleet.until("all are back", ({ heard }) => heard === collectors);
  await pause(afterStormMs);
  const { refusedConnections, longestLoopMs, leastMarginMs, renewals } = await fleet.controllers();
  return {
    reconnects: collectors,
    backAfterMs: lastHeardMs - cutMs,
    refusedConnections: refusedConnections - refusedBefore,
    longestLoopMs,
    leastMarginMs,
    renewals,
    storeWrites: (await store.writes()) - writesBefore,
  };
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + usageOfTree(pid).cpuSeconds, 0);
}
