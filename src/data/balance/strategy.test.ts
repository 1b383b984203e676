import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StrategyPlan } from "../../plan/plan.ts";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

/** Those that spread over all that is eligible. */
const SPREADING: readonly StrategyPlan[] = [
  { type: "round_robin" },
  { type: "weighted_round_robin" },
  { type: "weighted_random" },
  { type: "least_connections" },
  { type: "latency", pick: "lowest" },
  { type: "latency", pick: "within", thresholdMs: 50 },
  { type: "load_latency", loadWeight: 0.7, latencyWeight: 0.3 },
  { type: "geography", region: "", order: [] },
];
const CHANCE = ["weighted_random", "load_latency", "latency"];

for (const strategy of SPREADING) {
  const name = strategy.type === "latency" ? `latency ${strategy.pick}` : strategy.type;

  test(`${name}: weight 0 gets nothing unless nothing else is usable`, () => {
    const pool = new BalancedPool([1, 0], strategy);
    assert.equal(pool.run(20), "a".repeat(20));
    pool.targets[0]!.become({ windowSize: 0 });
    assert.equal(pool.run(3), "---");
    pool.targets[0]!.eject("connect", Infinity);
    assert.equal(pool.run(3), "bbb");
    pool.targets[0]!.ready();
    pool.targets[0]!.become({ windowSize: 64 });
    assert.equal(pool.run(3), "aaa");
  });

  test(`${name}: where all weights are 0 they count as equal`, () => {
    const pool = new BalancedPool([0, 0, 0], strategy);
    let picked = 0;
    for (let i = 0; i < 60; i++) {
      const index = pool.take();
      if (index >= 0) pool.call(index, 10);
      picked += index >= 0 ? 1 : 0;
    }
    assert.equal(picked, 60);
  });

  test(`${name}: only what is eligible and has weight is picked, and -1 only when there is none`, () => {
    const aTarget = fc.record({ room: fc.boolean(), ready: fc.boolean(), weight: fc.nat(3) });
    const steps = fc.array(fc.tuple(fc.nat(), aTarget), { maxLength: 40 });
    fc.assert(
      fc.property(fc.constantFrom(1, 3, 9, 20, 80), steps, (size, changes) => {
        const pool = new BalancedPool(Array<number>(size).fill(1), strategy);
        for (const [who, { room, ready, weight }] of changes) {
          const target = pool.targets[who % size]!;
          target.become({ windowSize: room ? 64 : 0, weight });
          if (ready) target.ready();
          else target.eject("connect", Infinity);
          const picked = pool.take();
          const { eligible, weight: weights } = pool.state;
          const can = (i: number): boolean => eligible[i] === 1 && weights[i]! > 0;
          if (pool.targets.some((_, i) => can(i))) assert.ok(picked >= 0 && can(picked));
          else assert.equal(picked, -1);
        }
      }),
      { numRuns: 60 },
    );
  });

  if (CHANCE.includes(strategy.type)) continue;
  test(`${name}: asking twice gives the same answer`, () => {
    const pool = new BalancedPool([3, 1, 2], strategy);
    for (let i = 0; i < 30; i++) {
      const first = pool.pick();
      assert.equal(pool.pick(), first);
      pool.take();
    }
  });
}

test("broadcast and consistent_hash: each target's own queue picks that target, when it has room", () => {
  for (const strategy of [{ type: "broadcast" }, { type: "consistent_hash", key: { from: "trace_id" } }] as const) {
    const pool = new BalancedPool([1], strategy);
    assert.equal(pool.run(2), "aa");
    pool.targets[0]!.become({ windowSize: 0 });
    assert.equal(pool.run(1), "-");
  }
});
