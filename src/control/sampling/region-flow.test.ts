import assert from "node:assert/strict";
import test from "node:test";
import type { ReceivedReport } from "../../plan/sampling/received-counts.ts";
import { itemsOf } from "./received-sums.ts";
import { RegionFlow } from "./region-flow.ts";

function report(run: string, atMs: number, items: number): ReceivedReport {
  const counts = { items, bytes: 0, traces: items, adjusted: items, delivered: 0, kept: 0 };
  return { run, atMs, counts: [{ signal: "traces", class: "rest", octave: 0, ...counts }] };
}

test("flow: rates are between the last two reports of each collector, by its own clock", () => {
  const flow = new RegionFlow("west");
  flow.hear("a", report("1", 900_000, 50_000));
  assert.equal(flow.tick(0).isLearning, true);
  flow.hear("a", report("1", 905_000, 55_000));
  flow.hear("b", report("1", 10_000, 0));
  flow.hear("b", report("1", 12_000, 800));
  const { latest, isLearning, collectors, seq } = flow.tick(10_000);
  assert.deepEqual([itemsOf(latest), isLearning, collectors, seq], [1_400, false, 2, 2]);
});

test("flow: a report that is lost, late or sent twice changes nothing but when it is known", () => {
  const flow = new RegionFlow("west");
  for (const [atMs, items] of [
    [0, 0],
    [10_000, 10_000],
    [5_000, 9_000],
    [10_000, 10_000],
  ] as const) {
    flow.hear("a", report("1", atMs, items));
  }
  assert.equal(flow.itemsPerSecond, 1_000);
});

test("flow: a collector that began anew has its last rate until it has reported twice, and one that left has none", () => {
  const flow = new RegionFlow("west");
  flow.hear("a", report("1", 0, 0));
  flow.hear("a", report("1", 5_000, 5_000));
  flow.hear("a", report("2", 100, 40));
  assert.equal(flow.itemsPerSecond, 1_000);
  flow.hear("a", report("2", 5_100, 10_040));
  assert.equal(flow.itemsPerSecond, 2_000);
  flow.gone("a");
  assert.equal(flow.itemsPerSecond, 0);
});

test("flow: one new collector of many does not make a region learn anew, but three of seven do", () => {
  const flow = new RegionFlow("west");
  for (const id of ["a", "b", "c", "d"]) {
    flow.hear(id, report("1", 0, 0));
    flow.hear(id, report("1", 5_000, 500));
  }
  assert.equal(flow.tick(0).isLearning, true);
  flow.hear("e", report("1", 0, 0));
  assert.equal(flow.tick(10_000).isLearning, false);
  for (const id of ["f", "g"]) flow.hear(id, report("1", 0, 0));
  assert.equal(flow.tick(15_000).isLearning, true);
});

/** Ticks of 5 s with so many items in each. */
function ticked(...counts: readonly number[]): ReturnType<RegionFlow["tick"]> {
  const flow = new RegionFlow("west");
  let items = 0;
  flow.hear("a", report("1", 0, 0));
  for (const [i, count] of counts.entries()) {
    items += count;
    flow.hear("a", report("1", (i + 1) * 5_000, items));
    flow.tick((i + 1) * 5_000);
  }
  return flow.tick(counts.length * 5_000 + 1);
}

test("flow: what says enough is taken as it is, and small counts are looked at over a longer time", () => {
  assert.equal(Math.round(itemsOf(ticked(5_000, 5_000, 25_000).latest)), 5_000);
  // 10, 12, 8 ..: each alone is a third off.
  const { latest } = ticked(50, 60, 40, 50, 60, 40, 50, 60, 40);
  assert.ok(Math.abs(itemsOf(latest) - 10) < 0.6, `${itemsOf(latest)}`);
});

test("flow: what was before fades", () => {
  const { smooth, latest } = ticked(5_000, 5_000, 25_000);
  assert.ok(Math.abs(itemsOf(smooth) - (0.7 * 1_000 + 0.3 * 5_000)) < 1, `${itemsOf(smooth)}`);
  assert.equal(Math.round(itemsOf(latest)), 5_000);
});
