import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScaleResult, SteadyWindow, UsedCpu } from "../scale/results.ts";
import { scaleMarks, scaleTable } from "./scale-tables.ts";

function used(controllers: number, simulation: number): UsedCpu {
  return { wallSeconds: 30, controllers: 30 * controllers, simulation: 30 * simulation, store: 0.6 };
}

const STEADY: SteadyWindow = {
  cpu: used(0.6, 0.5),
  reportsPerSecond: 2_000,
  held: 10_000,
  looking: 0,
  storeWritesPerSecond: 4.1,
  longestLoopMs: 30,
  leastMarginMs: 8_400,
};
const SCALE: ScaleResult = {
  kind: "scale",
  system: "signalbox",
  store: "etcd",
  collectors: 10_000,
  regions: 20,
  controllerProcesses: 20,
  collectorProcesses: 4,
  reportIntervalMs: 5_000,
  documentBytes: 8_192,
  beganWithinMs: 10_000,
  allThereMs: 12_000,
  empty: { ...STEADY, cpu: used(0.1, 0), held: 0 },
  steady: STEADY,
  emptyBytes: 1e9,
  fullBytes: 1.3e9,
  publishes: [1_900, 900].map((allMs) => ({ halfMs: allMs / 2, allMs })),
  publishing: { wallSeconds: 3, controllers: 3, simulation: 2.5, store: 0.1 },
  storm: {
    reconnects: 10_000,
    backAfterMs: 6_000,
    refusedConnections: 12,
    longestLoopMs: 200,
    leastMarginMs: 7_600,
    renewals: 100,
    storeWrites: 60,
  },
  discovery: {
    gatewaysOfRegion: 64,
    looking: 8_720,
    found: { halfMs: 500, allMs: 900 },
    steady: { ...STEADY, cpu: used(1.036, 0.7), looking: 8_720 },
    left: { halfMs: 300, allMs: 700 },
    fullBytes: 1.4e9,
  },
  simulationBytes: 5e8,
  sessionsLost: 0,
  allThere: true,
  death: {
    collectors: 2_000,
    controllers: 3,
    gateways: 64,
    ledFleet: true,
    ledAfterMs: 15_500,
    backAfterMs: 31_000,
    refusedConnections: 0,
    fewestFound: 64,
    longestLoopMs: 90,
    leastMarginMs: 8_400,
    publish: { halfMs: 200, allMs: 400 },
  },
};

function heldOf(result: ScaleResult): boolean[] {
  return scaleMarks(result).map(({ held }) => held);
}

test("bench scale: its marks are those of the store's writes, the slowest config, leases and a controller's death", () => {
  assert.deepEqual(
    heldOf(SCALE),
    Array.from({ length: 6 }, () => true),
  );
  const steady = { ...STEADY, storeWritesPerSecond: 5.1 };
  const storm = { ...SCALE.storm, leastMarginMs: 7_499 };
  const publishes = [{ halfMs: 1, allMs: 2_001 }];
  const death = { ...SCALE.death, ledAfterMs: 17_001, fewestFound: 63 };
  const worse = { ...SCALE, steady, storm, publishes, sessionsLost: 1, death };
  assert.deepEqual(
    heldOf(worse),
    Array.from({ length: 6 }, () => false),
  );
  assert.equal(heldOf({ ...SCALE, storm: { ...storm, leastMarginMs: undefined } })[2], false);
  assert.equal(heldOf({ ...SCALE, discovery: { ...SCALE.discovery, steady } })[0], false);
});

test("bench scale: what controllers take is told for each collector, above what they take without", () => {
  const cells = new Map(scaleTable(SCALE).rows.map(([what = "", measured = ""]) => [what, measured]));
  const of = (part: string): string | undefined => [...cells].find(([what]) => what.includes(part))?.[1];
  assert.equal(cells.get("controllers' private memory for each collector, KB"), "30.0");
  assert.equal(cells.get("controllers' CPU for each collector, ms a second"), "0.050");
  assert.equal(cells.get("config on all of them, ms"), "1,900, 900");
  assert.equal(of("above what goes on, ms: controller"), "0.060");
  assert.equal(of("above what goes on, ms: simulation"), "0.050");
  assert.equal(of("controllers' CPU for each of them on top"), "0.050");
  assert.equal(of("private memory for each of them on top"), "11.5");
  assert.equal(of("its controller killed: another leads after, s"), "15.5");
});
