import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

const LEAST = { type: "least_connections" } as const;

/** Puts calls of one item under way, unnoticed by the picker: as if other pools had sent them. */
function load(pool: BalancedPool, index: number, calls: number, items = 1): void {
  for (let i = 0; i < calls; i++) pool.targets[index]!.load.sent(items, 100 * items, 0);
}

const someLoad = fc.array(fc.record({ calls: fc.nat(20), weight: fc.integer({ min: 1, max: 5 }) }), {
  minLength: 1,
  maxLength: 8,
});

test("least_connections: of up to 8 targets the one with the fewest in flight for its weight is picked", () => {
  fc.assert(
    fc.property(someLoad, (some) => {
      const pool = new BalancedPool(
        some.map(({ weight }) => weight),
        LEAST,
      );
      for (const [i, { calls }] of some.entries()) load(pool, i, calls);
      const costs = some.map(({ calls, weight }) => calls / weight);
      assert.equal(costs[pool.pick()], Math.min(...costs));
    }),
  );
});

test("least_connections: an idle pool takes turns by weight", () => {
  const [a = 0, b = 0, c = 0] = new BalancedPool([5, 1, 1], LEAST).counts(70);
  assert.ok(Math.abs(a - 50) <= 2 && Math.abs(b - 10) <= 1 && Math.abs(c - 10) <= 1, `${a} ${b} ${c}`);
});

test("least_connections: a large batch in flight weighs more than a small one", () => {
  const pool = new BalancedPool([1, 1], LEAST);
  for (let i = 0; i < 10; i++) pool.charge(i % 2, 10);
  load(pool, 0, 1, 1_000);
  load(pool, 1, 2, 1);
  assert.equal(pool.pick(), 1);
});

test("least_connections: of two random ones the one with less is picked, so the most loaded one never is", () => {
  const pool = new BalancedPool(Array<number>(20).fill(1), LEAST);
  for (let i = 0; i < 20; i++) load(pool, i, i);
  const counts = pool.counts(2_000);
  assert.equal(counts[19], 0);
  assert.ok(counts[0]! > counts[10]! && counts[10]! > counts[18]!, counts.join());
});

test("least_connections: two choices keep 100 targets level, where one random choice would not", () => {
  const pool = new BalancedPool(Array<number>(100).fill(1), LEAST);
  for (let i = 0; i < 5_000; i++) load(pool, pool.take(), 1);
  const loads = pool.targets.map(({ inFlight }) => inFlight);
  assert.ok(Math.max(...loads) - Math.min(...loads) <= 6, loads.join()); // at random the spread is about 35
});

test("least_connections: who comes back is not flooded to catch up", () => {
  const pool = new BalancedPool([1, 1], LEAST);
  pool.targets[1]!.eject("connect", Infinity);
  pool.run(100);
  pool.targets[1]!.ready();
  const [a = 0, b = 0] = pool.counts(20);
  assert.ok(Math.abs(a - b) <= 1, `${a} ${b}`);
});
