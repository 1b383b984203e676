import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";

const failover = (returnAfterMs: number): { readonly type: "failover"; readonly returnAfterMs: number } => {
  return { type: "failover", returnAfterMs };
};
const RAMP_MS = 30_000;

test("failover uses the first usable target in order, and waits for it when its window is full", () => {
  const pool = new BalancedPool([1, 1, 1], failover(1_000));
  assert.equal(pool.run(3), "aaa");
  pool.targets[0]!.become({ windowSize: 0 });
  assert.equal(pool.run(3), "---");
  pool.targets[0]!.eject("connect", Infinity);
  assert.equal(pool.run(3), "bbb");
  for (const target of pool.targets) target.eject("connect", Infinity);
  assert.equal(pool.run(1), "-");
});

test("failover goes back only after the earlier target has been usable for return_after", () => {
  const pool = new BalancedPool([1, 1], failover(1_000));
  pool.targets[0]!.eject("connect", Infinity);
  assert.equal(pool.run(1), "b");
  pool.targets[0]!.ready(500);
  pool.nowMs = 1_499;
  assert.equal(pool.run(1), "b");
  pool.nowMs = 1_500;
  assert.equal(pool.run(1), "a");
});

test("failover: a target that flaps faster than return_after gets nothing", () => {
  const pool = new BalancedPool([1, 1], failover(1_000));
  pool.targets[0]!.eject("connect", Infinity);
  pool.run(1);
  for (pool.nowMs = 100; pool.nowMs < 60_000; pool.nowMs += 100) {
    if (pool.nowMs % 1_000 === 900) pool.targets[0]!.eject("connect", Infinity);
    if (pool.nowMs % 1_000 === 0) pool.targets[0]!.ready(pool.nowMs);
    assert.equal(pool.run(1), "b");
  }
});

test("failover: the share of a target that returns grows over its slow start, from a tenth to all, in items", () => {
  const pool = new BalancedPool([1, 1], failover(1_000));
  pool.targets[0]!.eject("connect", Infinity);
  pool.run(1);
  pool.targets[0]!.ready(0);
  pool.nowMs = 1_000;
  pool.run(1);
  for (const [atMs, share] of [
    [0, 0.1],
    [3_000, 0.1],
    [RAMP_MS / 2, 0.5],
    [0.9 * RAMP_MS, 0.9],
    [RAMP_MS, 1],
  ] as const) {
    pool.nowMs = 1_000 + atMs;
    let items = 0;
    let all = 0;
    for (let i = 0; i < 400; i++) {
      const size = 1 + (i % 7) * 20;
      items += pool.take(size) === 0 ? size : 0;
      all += size;
    }
    assert.ok(Math.abs(items / all - share) < 0.02, `${items / all} at ${atMs}`);
  }
});

test("failover: slow_start 0 returns everything at once", () => {
  const slow = { check: undefined, slowStartMs: 0 };
  const pool = new BalancedPool([1, 1], failover(1_000));
  const [a] = pool.targets;
  a!.plan = { ...a!.plan, health: { ...a!.plan.health, ...slow } };
  a!.eject("connect", Infinity);
  pool.run(1);
  a!.ready(0);
  pool.nowMs = 1_000;
  assert.equal(pool.run(5), "aaaaa");
});

test("failover: a target that fails again while it returns leaves all to the one that stood in, and starts anew later", () => {
  const pool = new BalancedPool([1, 1], failover(1_000));
  pool.targets[0]!.eject("connect", Infinity);
  pool.run(1);
  pool.targets[0]!.ready(0);
  pool.nowMs = 20_000;
  assert.match(pool.run(20), /^ab+ab+$/u);
  pool.targets[0]!.eject("connect", Infinity);
  assert.equal(pool.run(5), "bbbbb");
  pool.targets[0]!.ready(20_000);
  pool.nowMs = 20_900;
  assert.equal(pool.run(5), "bbbbb");
  pool.nowMs = 21_000;
  assert.match(pool.run(20), /^ab+ab+$/u);
});

test("failover leaves for an earlier target at once when its own is no longer usable", () => {
  const pool = new BalancedPool([1, 1], failover(60_000));
  pool.targets[0]!.eject("connect", Infinity);
  assert.equal(pool.run(1), "b");
  pool.targets[0]!.ready(5);
  pool.targets[1]!.eject("connect", Infinity);
  pool.nowMs = 6;
  assert.equal(pool.run(3), "aaa");
});

test("failover sends one batch elsewhere when it just failed at the current target, and stays", () => {
  const pool = new BalancedPool([1, 1], failover(60_000));
  assert.equal(pool.run(1), "a");
  pool.state.exclude(0);
  assert.equal(pool.picker.pick(pool.state), 1);
  pool.state.include(0);
  assert.equal(pool.run(5), "aaaaa");
});

test("failover does not try a primary that is out while another target is usable, even in a panic", () => {
  const pool = new BalancedPool([1, 1, 1], failover(1_000));
  pool.targets[0]!.eject("connect", 0);
  pool.targets[1]!.eject("connect", 0);
  assert.equal(pool.run(3), "ccc");
  pool.targets[2]!.eject("connect", 250);
  assert.equal(pool.run(1), "a");
});

test("failover: with all usable, and return_after and slow start passed, it is always the first", () => {
  const aView = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(aView, { maxLength: 30 }), (steps) => {
      const pool = new BalancedPool([1, 1, 1], failover(100));
      for (const usable of steps) {
        for (const [i, is] of usable.entries()) {
          if (is) pool.targets[i]!.ready();
          else pool.targets[i]!.eject("connect", Infinity);
        }
        const picked = pool.take();
        assert.equal(usable[picked] ?? !usable.includes(true), true);
      }
      for (const target of pool.targets) target.ready();
      pool.nowMs = 100;
      pool.take();
      pool.nowMs = 100 + RAMP_MS;
      assert.equal(pool.run(2), "aa");
    }),
  );
});
