import assert from "node:assert/strict";
import { test } from "node:test";
import { backAfterMs, median, orderOf, rateBetween, ratios } from "./statistics.ts";
import type { Sample } from "./statistics.ts";

test("bench statistics: the median of an even number is between the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([8, 2, 100, 4]), 6);
  assert.equal(median([]), 0);
});

test("bench statistics: ratios are taken turn by turn, and not with nothing", () => {
  assert.deepEqual(ratios([2, 20, 5], [1, 10, 0]), [2, 2]);
  assert.deepEqual(ratios([2, 20], [1]), [2]);
});

test("bench statistics: in as many turns as there are systems each has each place once", () => {
  const orders = [0, 1, 2].map((turn) => orderOf(3, turn));
  for (const place of [0, 1, 2]) assert.deepEqual(new Set(orders.map((order) => order[place])), new Set([0, 1, 2]));
  for (const order of orders)
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      [0, 1, 2],
    );
});

test("bench statistics: goodput is back from when it lasts for a second", () => {
  // The burst of what waited is over at once; from 1.0 s on it stays.
  assert.equal(backAfterMs(samplesOf([100, 300, 0, 0, 0, 0, 0, 0, 10, 20, ...steady(20)]), 1_000, 0.95), 1_000);
  assert.equal(backAfterMs(samplesOf(steady(20)), 1_000, 0.95), 0);
});

test("bench statistics: a goodput that was not seen for a second is not back", () => {
  assert.equal(backAfterMs(samplesOf([0, 0, 0, ...steady(5)]), 1_000, 0.95), undefined);
  assert.equal(backAfterMs(samplesOf(Array.from({ length: 30 }, () => 90)), 1_000, 0.95), undefined);
  assert.equal(backAfterMs([], 1_000, 0.95), undefined);
});

test("bench statistics: a rate is of the pieces that ended in between", () => {
  assert.equal(rateBetween(samplesOf([500, 10, 20, 500]), 100, 300), 150);
  assert.equal(rateBetween([], 0, 1_000), 0);
});

/** Items of pieces of 100 ms. */
function samplesOf(items: readonly number[]): Sample[] {
  return items.map((each, i) => ({ atMs: 100 * (i + 1), durationMs: 100, items: each }));
}

/** 1,000 a second. */
function steady(pieces: number): number[] {
  return Array.from({ length: pieces }, () => 100);
}
