import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

const ROUND_ROBIN = { type: "round_robin" } as const;

test("round_robin goes in turn", () => {
  assert.equal(new BalancedPool([1, 1, 1], ROUND_ROBIN).run(7), "abcabca");
});

test("round_robin: shares are equal within 1 between targets that are always eligible, whichever others are skipped", () => {
  const flips = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 80 }), flips, (more, steps) => {
      const pool = new BalancedPool([1, 1, 1, 1, ...Array<number>(more).fill(1)], ROUND_ROBIN);
      const got = pool.targets.map(() => 0);
      for (const [hasRoom, isReady] of steps) {
        pool.targets[1]!.become({ windowSize: hasRoom ? 64 : 0 });
        if (isReady) pool.targets[3]!.ready();
        else pool.targets[3]!.eject();
        got[pool.take()]! += 1;
        const always = got.filter((_, i) => i !== 1 && i !== 3);
        assert.ok(Math.max(...always) - Math.min(...always) <= 1, got.join());
      }
    }),
  );
});

test("round_robin does not flood a target that was away to catch up", () => {
  const pool = new BalancedPool([1, 1], ROUND_ROBIN);
  pool.targets[1]!.eject();
  pool.run(100);
  pool.targets[1]!.ready();
  assert.equal(pool.run(6), "bababa");
});

test("round_robin: a target that comes back has its share of turns", () => {
  const pool = new BalancedPool([1, 1, 1], ROUND_ROBIN);
  pool.targets[1]!.become({ backShare: 0.1 });
  const [a = 0, b = 0, c = 0] = pool.counts(2_100);
  assert.ok(Math.abs(b - 100) < 25, `${a} ${b} ${c}`);
  assert.ok(Math.abs(a - c) <= 1);
  pool.targets[1]!.become({ backShare: 1 });
  pool.run(2);
  assert.deepEqual(pool.counts(30), [10, 10, 10]);
});
