import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetMode, FleetResult } from "./fleet.ts";
import { fleetMarks, fleetTable, scaleMarks, scaleTable } from "./fleet-tables.ts";
import type { ScaleResult } from "./scale.ts";

const LOAD = { seconds: 10, requests: 1_000, itemsPerSecond: 1e5, failed: 0 };
const MODE: FleetMode = {
  workers: 2,
  applies: [400, 900, 300].map((allMs) => ({ allMs, commandMs: allMs + 500 })),
  flowing: LOAD,
  full: { ...LOAD, cpu: 1.5, renewals: 40, longestDelayMs: 120 },
  sessionsLost: 0,
};
const FLEET: FleetResult = {
  kind: "fleet",
  system: "signalbox",
  store: "etcd",
  nodes: 3,
  modes: [MODE],
  wedge: { takenOverMs: 15_200, stalled: 2, flowing: LOAD },
  allThere: true,
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
  steady: {
    seconds: 30,
    reportsPerSecond: 2_000,
    held: 10_000,
    storeWritesPerSecond: 4.1,
    controllerCpu: 0.5,
    simulationCpu: 0.5,
    storeCpu: 0.02,
    longestLoopMs: 30,
    leastMarginMs: 8_400,
  },
  emptyBytes: 1e9,
  fullBytes: 1.3e9,
  publishes: [1_900, 900].map((allMs) => ({ halfMs: allMs / 2, allMs })),
  storm: {
    reconnects: 10_000,
    backAfterMs: 6_000,
    refusedConnections: 12,
    longestLoopMs: 200,
    leastMarginMs: 7_600,
    renewals: 100,
    storeWrites: 60,
  },
  simulationBytes: 5e8,
  sessionsLost: 0,
  allThere: true,
};

function heldOf(marks: ReturnType<typeof fleetMarks>): boolean[] {
  return marks.map(({ held }) => held);
}

test("bench fleet: its marks are those of the slowest config, and of nothing that failed or was lost", () => {
  assert.deepEqual(heldOf(fleetMarks(FLEET)), [true, true, true, true]);
  assert.deepEqual(heldOf(fleetMarks({ ...FLEET, wedge: undefined })), [true, true, true]);
  const applies = [...MODE.applies, { allMs: 1_001, commandMs: 1 }];
  const worse = { ...MODE, applies, flowing: { ...LOAD, failed: 1 }, sessionsLost: 1 };
  const wedge = { takenOverMs: 17_001, stalled: 1, flowing: LOAD };
  assert.deepEqual(heldOf(fleetMarks({ ...FLEET, modes: [worse], wedge })), [false, false, false, false]);
  assert.match(fleetTable(FLEET).notes.at(-1) ?? "", /another led after 15\.2 s/u);
});

test("bench scale: its marks are those of the store's writes, the slowest config and the least margin in a storm", () => {
  assert.deepEqual(heldOf(scaleMarks(SCALE)), [true, true, true, true]);
  const steady = { ...SCALE.steady, storeWritesPerSecond: 5.1 };
  const storm = { ...SCALE.storm, leastMarginMs: 7_499 };
  const publishes = [{ halfMs: 1, allMs: 2_001 }];
  const worse = { ...SCALE, steady, storm, publishes, sessionsLost: 1 };
  assert.deepEqual(heldOf(scaleMarks(worse)), [false, false, false, false]);
  assert.equal(scaleMarks({ ...SCALE, storm: { ...storm, leastMarginMs: undefined } })[2]?.held, false);
});

test("bench scale: what controllers take is told for each collector", () => {
  const cells = new Map(scaleTable(SCALE).rows.map(([what = "", measured = ""]) => [what, measured]));
  assert.equal(cells.get("controllers' private memory for each collector, KB"), "30.0");
  assert.equal(cells.get("controllers' CPU for each collector, ms a second"), "0.050");
  assert.equal(cells.get("config on all of them, ms"), "1,900, 900");
});
