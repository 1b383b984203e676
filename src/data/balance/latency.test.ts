import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool, chiSquare } from "../../../test/support/balance/balanced-pool.ts";

const LOWEST = { type: "latency", pick: "lowest" } as const;
const WITHIN = { type: "latency", pick: "within", thresholdMs: 50 } as const;

/** What each target's latency is now. */
function latencies(pool: BalancedPool): number[] {
  return pool.targets.map(({ load }) => load.latencyMs(pool.nowMs));
}

function measured(strategy: typeof LOWEST | typeof WITHIN, ...tookMs: number[]): BalancedPool {
  const pool = new BalancedPool(
    tookMs.map(() => 1),
    strategy,
  );
  for (const [i, ms] of tookMs.entries()) pool.call(i, ms);
  return pool;
}

test("latency lowest: the one with the lowest latency is picked, whatever calls end, hang, or are forgotten", () => {
  const aStep = fc.record({ who: fc.nat(9), tookMs: fc.nat(500), hangs: fc.boolean(), restMs: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 60 }), (steps) => {
      const pool = new BalancedPool(Array<number>(10).fill(1), LOWEST);
      for (const { who, tookMs, hangs, restMs } of steps) {
        if (hangs) pool.targets[who]!.load.sent(1, 1, pool.nowMs);
        else pool.call(who, tookMs);
        pool.nowMs += restMs;
        const now = latencies(pool);
        assert.ok(now[pool.pick()]! <= Math.min(...now) * (1 + 1e-6) + 1e-9, now.join());
      }
    }),
  );
});

test("latency lowest: the fastest gets the load, and one that was slow is tried again after a while", () => {
  const pool = measured(LOWEST, 100, 5, 50);
  const counts = [0, 0, 0];
  for (let i = 0; i < 1_000; i++) {
    const index = pool.take();
    counts[index]! += 1;
    pool.call(index, [100, 5, 50][index]!);
  }
  assert.ok(counts[1]! > 990, counts.join());
  const later = pool.nowMs + 60_000;
  let tries = 0;
  while (pool.nowMs < later) {
    const index = pool.take();
    tries += index === 0 ? 1 : 0;
    pool.call(index, [100, 5, 50][index]!);
  }
  assert.ok(tries >= 1 && tries <= 5, `${tries}`);
});

test("latency lowest: a target that has not answered yet gets one call, not all", () => {
  const pool = measured(LOWEST, 10, 10);
  const fresh = new BalancedPool([1, 1, 1], LOWEST);
  for (const i of [0, 1]) fresh.call(i, 10);
  assert.equal(pool.pick(), 0);
  assert.equal(fresh.pick(), 2);
  fresh.charge(2);
  fresh.targets[2]!.load.sent(1, 1, fresh.nowMs);
  assert.notEqual(fresh.pick(), 2);
});

for (const end of [{ kind: "failed" }, { kind: "throttled", afterMs: undefined }] as const) {
  test(`latency: a target whose calls are ${end.kind} in 1 ms gets less than one that answers in 40 ms`, () => {
    for (const strategy of [LOWEST, WITHIN]) {
      const pool = measured(strategy, 40, 40);
      const counts = [0, 0];
      for (let i = 0; i < 200; i++) {
        const index = pool.take();
        counts[index]! += 1;
        if (index === 0) pool.call(0, 1, end);
        else pool.call(1, 40);
      }
      assert.ok(counts[0]! <= 5, `${strategy.pick}: ${counts.join()}`);
    }
  });
}

test("latency lowest: a target that comes back has to be that much faster", () => {
  const pool = measured(LOWEST, 10, 90);
  pool.targets[0]!.become({ backShare: 0.1 });
  assert.equal(pool.pick(), 1);
  pool.targets[0]!.become({ backShare: 0.5 });
  assert.equal(pool.pick(), 0);
});

test("latency within: those within the threshold share by weight, the others get nothing: chi-square", () => {
  const pool = measured(WITHIN, 5, 200, 45, 20, 70);
  for (const [i, weight] of [1, 9, 3, 1, 9].entries()) pool.targets[i]!.become({ weight });
  const counts = pool.counts(10_000);
  assert.deepEqual([counts[1], counts[4]], [0, 0]);
  assert.ok(chiSquare(counts, [1, 0, 3, 1, 0]) < 13.82, counts.join()); // p = 0.001 at 2
});

test("latency within: few of many are found, and share", () => {
  const pool = new BalancedPool(Array<number>(300).fill(1), WITHIN);
  for (let i = 0; i < 300; i++) pool.call(i, i < 3 ? 1 : 60);
  pool.nowMs = 300 * 60;
  for (const i of [0, 1, 2]) pool.call(i, 1);
  for (let i = 3; i < 300; i++) pool.targets[i]!.load.sent(1, 1, pool.nowMs - 1_000);
  for (const { load } of pool.targets.slice(3)) assert.ok(load.latencyMs(pool.nowMs) > 50);
  const counts = pool.counts(300).slice(0, 3);
  assert.ok(Math.min(...counts) > 60, counts.join());
  assert.equal(
    counts.reduce((a, b) => a + b, 0),
    300,
  );
});

test("latency within: while none is within, the lowest is picked", () => {
  assert.equal(measured(WITHIN, 300, 80, 90).run(5), "bbbbb");
});
