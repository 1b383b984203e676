import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

const WEIGHTED = { type: "weighted_round_robin" } as const;
const aWeight = fc.integer({ min: 1, max: 9 });

test("weighted_round_robin: weights 5:1:1 give a a b a c a a", () => {
  assert.equal(new BalancedPool([5, 1, 1], WEIGHTED).run(14), "aabacaaaabacaa");
});

test("weighted_round_robin: batches of equal size give the same sequence, whatever their size", () => {
  for (const items of [7, 100, 8_192]) {
    assert.equal(new BalancedPool([5, 1, 1], WEIGHTED).run(21, items), "aabacaa".repeat(3));
  }
});

for (const [how, minLength, maxLength] of [
  ["looking at all", 1, 8],
  ["by deadlines", 65, 90],
] as const) {
  test(`weighted_round_robin, ${how}: shares are exact over a cycle, for any weights`, () => {
    fc.assert(
      fc.property(fc.array(aWeight, { minLength, maxLength }), (weights) => {
        const pool = new BalancedPool(weights, WEIGHTED);
        const cycle = weights.reduce((a, b) => a + b, 0);
        const want = weights.map((weight) => 3 * weight);
        assert.deepEqual(pool.counts(3 * cycle), want);
      }),
      { numRuns: 40 },
    );
  });

  test(`weighted_round_robin, ${how}: items are shared by weight when batches differ in size`, () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 50, maxLength: 400 });
    fc.assert(
      fc.property(fc.array(aWeight, { minLength, maxLength }), sizes, (weights, some) => {
        const pool = new BalancedPool(weights, WEIGHTED);
        const got = weights.map(() => 0);
        for (const items of some) got[pool.take(items)]! += items;
        const all = some.reduce((a, b) => a + b, 0);
        const total = weights.reduce((a, b) => a + b, 0);
        // Nobody is off by more than a few batches, however long it goes on.
        for (const [i, items] of got.entries()) {
          const off = items - (all * weights[i]!) / total;
          assert.ok(Math.abs(off) <= 4 * 500, `${i}: ${off}`);
        }
      }),
      { numRuns: 40 },
    );
  });

  test(`weighted_round_robin, ${how}: while one is skipped the others share by weight, and afterwards all do`, () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(30), (before, cycles) => {
        const rest = Array<number>(minLength - 1).fill(0);
        const pool = new BalancedPool([3, 2, 1, ...rest], WEIGHTED);
        pool.run(before);
        pool.targets[2]!.become({ windowSize: 0 });
        const [a = 0, b = 0, c] = pool.counts(5 * cycles);
        assert.ok(Math.abs(a - 3 * cycles) <= 2 && Math.abs(b - 2 * cycles) <= 2, `${a}:${b}`);
        assert.equal(c, 0);
        pool.targets[2]!.become({ windowSize: 64 });
        const [, , back = 0] = pool.counts(60);
        assert.ok(Math.abs(back - 10) <= 1, `${back} of 60`);
      }),
    );
  });

  test(`weighted_round_robin, ${how}: a weight that changes holds from then on`, () => {
    const rest = Array<number>(minLength - 1).fill(0);
    const pool = new BalancedPool([1, 1, ...rest], WEIGHTED);
    pool.run(101);
    pool.targets[0]!.become({ weight: 4 });
    pool.run(5);
    assert.deepEqual(pool.counts(50).slice(0, 2), [40, 10]);
    pool.targets[1]!.become({ backShare: 0.5 });
    pool.run(9);
    const [a = 0, b = 0] = pool.counts(90);
    assert.ok(Math.abs(b - 10) <= 1 && a + b === 90, `${a} ${b}`);
  });
}

test("weighted_round_robin, by deadlines: who comes back has missed its turns", () => {
  const pool = new BalancedPool(Array<number>(100).fill(1), WEIGHTED);
  pool.targets[0]!.eject();
  pool.run(26 * 100);
  pool.targets[0]!.ready();
  assert.ok(pool.counts(100)[0]! <= 2);
});

test("weighted_round_robin: a probe is nobody's turn", () => {
  const pool = new BalancedPool([1, 1, 1], WEIGHTED);
  pool.targets[2]!.probe();
  assert.equal(pool.run(2), "ab");
  pool.charge(2, 1_000);
  assert.equal(pool.run(2), "ab");
});

test("weighted_round_robin: of several workers, each in turn by itself, shares are exact over a cycle within their number", () => {
  const turns = fc.array(fc.nat(7), { minLength: 1, maxLength: 400, size: "max" });
  fc.assert(
    fc.property(
      fc.array(aWeight, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 8 }),
      turns,
      (weights, of, order) => {
        const workers = Array.from({ length: of }, () => new BalancedPool(weights, WEIGHTED));
        const cycle = weights.reduce((a, b) => a + b, 0);
        const got = weights.map(() => 0);
        for (const [n, turn] of order.entries()) {
          got[workers[turn % of]!.take()]!++;
          if ((n + 1) % cycle !== 0) continue;
          for (const [i, count] of got.entries()) {
            const want = ((n + 1) / cycle) * weights[i]!;
            assert.ok(Math.abs(count - want) <= of, `${i}: ${count} of ${want}, with ${of} workers`);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
