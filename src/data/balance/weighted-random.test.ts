import assert from "node:assert/strict";
import { test } from "node:test";
import { BalancedPool, chiSquare } from "../../../test/support/balance/balanced-pool.ts";

const WEIGHTED_RANDOM = { type: "weighted_random" } as const;

test("weighted_random follows the weights: chi-square", () => {
  const weights = [5, 3, 1, 1];
  const got = new BalancedPool(weights, WEIGHTED_RANDOM).counts(20_000);
  assert.ok(chiSquare(got, weights) < 16.27, got.join()); // p = 0.001 at 3 degrees of freedom, fixed seed
});

test("weighted_random follows the weights among 200 targets, of which some are out: chi-square", () => {
  const weights = Array.from({ length: 200 }, (_, i) => 1 + (i % 5));
  const pool = new BalancedPool(weights, WEIGHTED_RANDOM);
  for (let i = 0; i < 100; i += 2) pool.targets[i]!.eject();
  const got = pool.counts(60_000);
  const left = weights.map((weight, i) => (i < 100 && i % 2 === 0 ? 0 : weight));
  assert.ok(left.every((weight, i) => weight > 0 || got[i] === 0));
  assert.ok(chiSquare(got, left) < 208, `${chiSquare(got, left)}`); // p = 0.001 at 149
});

test("weighted_random: a target that comes back has its share", () => {
  const pool = new BalancedPool([1, 1], WEIGHTED_RANDOM);
  pool.targets[0]!.become({ backShare: 0.25 });
  assert.ok(chiSquare(pool.counts(10_000), [1, 4]) < 10.83);
});
