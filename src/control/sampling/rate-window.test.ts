import assert from "node:assert/strict";
import test from "node:test";
import type { ReceivedReport } from "../../plan/sampling/received-counts.ts";
import { NO_REPORTS, type RateWindow, widenWindow } from "./rate-window.ts";
import { itemsOf } from "./received-sums.ts";

/** Reports of one run: when, and how many items came up to then. */
function windowOf(...points: readonly (readonly [atS: number, items: number])[]): RateWindow {
  return points.reduce((window, [atS, items]) => widenWindow(window, reportAt(atS, items), "west"), NO_REPORTS);
}

function reportAt(atS: number, items: number, run = "1"): ReceivedReport {
  const sums = { items, bytes: 0, traces: items, adjusted: items, delivered: 0, kept: 0 };
  return { run, atMs: atS * 1_000, counts: [{ signal: "traces", class: "rest", octave: 0, ...sums }] };
}

function rateOf({ rows }: RateWindow): number | undefined {
  return rows && Math.round(itemsOf(rows));
}

test("rate window: what a collector receives is looked at over three seconds at least, however often it reports", () => {
  // The last second seems to have brought half as much again: it was read late.
  assert.equal(rateOf(windowOf([0, 0], [5, 500], [6, 600], [7, 700], [8, 850])), 117);
  assert.equal(rateOf(windowOf([0, 0], [5, 500])), 100);
  assert.equal(rateOf(windowOf([0, 0], [1, 100])), 100);
  assert.equal(rateOf(windowOf([0, 0])), undefined);
});

test("rate window: what came before another load is not looked at any more once three seconds are known of it", () => {
  const step = [
    [0, 0],
    [5, 500],
    [6, 1_000],
    [7, 1_500],
  ] as const;
  assert.equal(rateOf(windowOf(...step)), 214);
  assert.equal(rateOf(windowOf(...step, [8, 2_000])), 500);
});

test("rate window: as long as as much comes, up to seven seconds are looked at together", () => {
  assert.equal(rateOf(windowOf([0, 0], [3, 300], [7, 780])), 111);
  assert.equal(rateOf(windowOf([0, 0], [5, 500], [10, 1_100])), 120);
});

test("rate window: a report that is late or comes again changes nothing, and another run begins anew", () => {
  const window = windowOf([0, 0], [5, 500]);
  assert.equal(widenWindow(window, reportAt(4, 400), "west"), window);
  assert.equal(widenWindow(window, reportAt(5, 500), "west"), window);
  const next = widenWindow(window, reportAt(0, 0, "2"), "west");
  assert.equal(rateOf(next), 100);
  assert.equal(rateOf(widenWindow(next, reportAt(4, 800, "2"), "west")), 200);
});

test("rate window: no more reports are kept than it takes, also of a collector that reports without end", () => {
  let window = NO_REPORTS;
  for (let i = 0; i < 1_000; i++) window = widenWindow(window, reportAt(i / 100, i), "west");
  assert.ok(window.reports.length <= 12);
  assert.equal(rateOf(window), 100);
});
