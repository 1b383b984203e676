import assert from "node:assert/strict";
import { test } from "node:test";
import { divide, quantile, regionNames, shareOut } from "./shares.ts";

for (const [collectors, regions, processes] of [
  [10_000, 20, 4],
  [1_000, 20, 1],
  [7, 3, 4],
  [2, 20, 3],
] as const) {
  test(`bench scale: ${collectors} collectors of ${regions} regions in ${processes} processes are each in one, once`, () => {
    const names = regionNames(regions);
    const shares = shareOut(collectors, names, processes);
    const ids = shares.flatMap((share) =>
      share.flatMap(({ region, from, count }) => Array.from({ length: count }, (_, i) => `${region} ${from + i}`)),
    );
    assert.equal(ids.length, collectors);
    assert.equal(new Set(ids).size, collectors);
    const perRegion = names.map((name) => ids.filter((id) => id.startsWith(`${name} `)).length);
    assert.ok(Math.max(...perRegion) - Math.min(...perRegion) <= 1);
    assert.equal(shares.length, processes);
  });
}

test("bench scale: regions are divided evenly, and no process is there for nothing", () => {
  assert.deepEqual(divide([1, 2, 3, 4, 5], 2), [
    [1, 3, 5],
    [2, 4],
  ]);
  assert.deepEqual(divide([1, 2], 5), [[1], [2]]);
});

test("bench scale: the 99th of a hundred is below the last", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(quantile(values, 0.99), 99);
  assert.equal(quantile(values, 1), 100);
  assert.equal(quantile(values, 0.5), 50);
  assert.equal(quantile([], 0.5), 0);
});
