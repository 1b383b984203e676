import assert from "node:assert/strict";
import test from "node:test";
import { noNumbers } from "./fleet-numbers.ts";
import type { FleetNumbers } from "./region-summary.ts";
import { shouldWrite, SUMMARY_PACE } from "./summary-pace.ts";

const LAST: FleetNumbers = {
  ...noNumbers(),
  collectors: 10,
  states: { live: 10 },
  versions: { "1": 10 },
  items_per_second: 1_000,
  load_weight: 500,
  max_utilization: 0.5,
};

const cases = [
  { name: "nothing changed", change: {}, sinceMs: 29_999, writes: false },
  { name: "nothing changed for 30 s", change: {}, sinceMs: 30_000, writes: true },
  { name: "6 % more items", change: { items_per_second: 1_060 }, sinceMs: 5_000, writes: true },
  { name: "6 % fewer items", change: { items_per_second: 940 }, sinceMs: 5_000, writes: true },
  { name: "5 % more items", change: { items_per_second: 1_050 }, sinceMs: 29_000, writes: false },
  { name: "all changed, 4.9 s ago it was written", change: { items_per_second: 9_000 }, sinceMs: 4_999, writes: false },
  { name: "a collector is suspect", change: { states: { live: 9, suspect: 1 } }, sinceMs: 5_000, writes: true },
  { name: "a collector has another version", change: { versions: { "1": 9, "2": 1 } }, sinceMs: 5_000, writes: true },
  { name: "of nearly nothing there is twice as much", change: { queue_items: 8 }, sinceMs: 5_000, writes: false },
  { name: "all together are busier by 6 %", change: { load_weight: 530 }, sinceMs: 5_000, writes: true },
  { name: "the busiest is busier", change: { max_utilization: 0.6 }, sinceMs: 5_000, writes: true },
] as const;

for (const { name, change, sinceMs, writes } of cases) {
  test(`summary: ${name}: it is ${writes ? "" : "not "}written`, () => {
    const last = { numbers: LAST, viewDigest: "x", atMs: 0 };
    assert.equal(shouldWrite({ ...LAST, ...change }, "x", last, { ...SUMMARY_PACE, nowMs: sinceMs }), writes);
  });
}

test("summary: other members are news, also when there are as many", () => {
  const last = { numbers: LAST, viewDigest: "x", atMs: 0 };
  assert.equal(shouldWrite(LAST, "y", last, { ...SUMMARY_PACE, nowMs: 5_000 }), true);
  assert.equal(shouldWrite(LAST, "y", undefined, { ...SUMMARY_PACE, nowMs: 0 }), true);
});
