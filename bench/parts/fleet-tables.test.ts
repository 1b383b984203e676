import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetMode, FleetResult } from "./fleet.ts";
import { fleetMarks, fleetTable } from "./fleet-tables.ts";

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
