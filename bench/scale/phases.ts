import { systemClock } from "../../src/core/clock.ts";
import { pause } from "../pause.ts";
import { usageOfTree } from "../process-usage.ts";
import type { CountedStore } from "./counted-store.ts";
import type { Discovery, ReconnectStorm, SteadyWindow, UsedCpu } from "./results.ts";
import type { ScaleFleet, SpreadTime } from "./scale-fleet.ts";

/** What is measured one after the other while a fleet runs. */
export interface PhaseAmounts {
  readonly collectors: number;
  readonly gateways: number;
  readonly settleMs: number;
  readonly windowMs: number;
  readonly publishes: number;
  /** All leases are renewed once more within it. */
  readonly afterStormMs: number;
}

export async function steadyWindow(fleet: ScaleFleet, store: CountedStore, windowMs: number): Promise<SteadyWindow> {
  await fleet.beginWindow();
  const [writesBefore, { reports: reportsBefore }] = [await store.writes(), await fleet.collectors()];
  const cpu = await usedBy(fleet, store, () => pause(windowMs));
  const [writes, { reports }] = [await store.writes(), await fleet.collectors()];
  const { held, looking, longestLoopMs, leastMarginMs } = await fleet.controllers();
  return {
    cpu,
    held,
    looking,
    longestLoopMs,
    leastMarginMs,
    reportsPerSecond: (reports - reportsBefore) / cpu.wallSeconds,
    storeWritesPerSecond: (writes - writesBefore) / cpu.wallSeconds,
  };
}

/** Of all processes, while something is done. */
async function usedBy(fleet: ScaleFleet, store: CountedStore, done: () => Promise<unknown>): Promise<UsedCpu> {
  const usedCpu = (): UsedCpu => ({
    wallSeconds: systemClock.nowMs() / 1_000,
    controllers: cpuOf(fleet.controllerPids),
    simulation: cpuOf(fleet.collectorPids),
    store: cpuOf([store.pid]),
  });
  const from = usedCpu();
  await done();
  const to = usedCpu();
  return {
    wallSeconds: to.wallSeconds - from.wallSeconds,
    controllers: to.controllers - from.controllers,
    simulation: to.simulation - from.simulation,
    store: to.store - from.store,
  };
}

/** Several configs, one after the other, from version 2 on. */
export async function publishesOf(
  fleet: ScaleFleet,
  store: CountedStore,
  { publishes }: PhaseAmounts,
): Promise<{ readonly publishes: readonly SpreadTime[]; readonly publishing: UsedCpu }> {
  const times: SpreadTime[] = [];
  const publishing = await usedBy(fleet, store, async () => {
    while (times.length < publishes) times.push(await fleet.publish(times.length + 2));
  });
  return { publishes: times, publishing };
}

export async function stormOf(
  fleet: ScaleFleet,
  store: CountedStore,
  { collectors, afterStormMs }: PhaseAmounts,
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

export async function discoveryOf(
  fleet: ScaleFleet,
  store: CountedStore,
  { gateways, settleMs, windowMs }: PhaseAmounts,
): Promise<Discovery> {
  const found = await fleet.refresh();
  await pause(settleMs);
  const steady = await steadyWindow(fleet, store, windowMs / 2);
  const fullBytes = await fleet.restingBytes();
  const { looking } = await fleet.collectors();
  return { gatewaysOfRegion: gateways, looking, found, steady, fullBytes, left: await fleet.leave() };
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + usageOfTree(pid).cpuSeconds, 0);
}
