import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { StrategyPlan } from "../../plan/plan.ts";
import { ENVOY_PANIC } from "../../../test/support/balance/envoy-panic.ts";
import { BalancedPool, type SetTarget } from "../../../test/support/balance/balanced-pool.ts";
import type { Picker } from "./picker.ts";
import { PoolState } from "./pool-state.ts";

const ROUND_ROBIN: StrategyPlan = { type: "round_robin" };
const IDLE_PICKER: Picker = { pick: () => -1, charge: () => undefined, changed: () => undefined };

/** Everything that a strategy may look at. */
function columns(state: PoolState): unknown {
  const { weight, share, usable, eligible, usableSinceMs, candidateCount, panics, ready, counted, usableCount } = state;
  const candidates = [...state.candidates.subarray(0, candidateCount)].toSorted((a, b) => a - b);
  const numbers = [weight, share, usable, eligible, usableSinceMs].map((column) => Array.from(column));
  return {
    numbers,
    candidates,
    panics,
    ready,
    counted,
    usableCount,
    probing: [...state.probing].toSorted((a, b) => a - b),
  };
}

const CHANGES: readonly ((target: SetTarget, amount: number) => void)[] = [
  (target) => target.ready(),
  (target, amount) => target.ready(0, amount),
  (target, amount) => target.eject("connect", amount),
  (target) => target.eject("success_rate"),
  (target) => target.down(),
  (target) => target.down("added"),
  (target) => target.probe(),
  (target) => target.aside("drain"),
  (target) => target.aside("maintenance"),
  (target, amount) => target.become({ weight: amount % 3 }),
  (target, amount) => target.become({ windowSize: amount % 3 }),
  (target, amount) => target.become({ backShare: (1 + (amount % 10)) / 10 }),
];

test("pool state: kept up by changes it is what it would be if all were read anew, whatever changed, in whatever order", () => {
  const aChange = fc.record({
    what: fc.nat(CHANGES.length - 1),
    who: fc.nat(5),
    amount: fc.nat(300),
    restMs: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(aChange, { maxLength: 60 }), (changes) => {
      const pool = new BalancedPool([1, 2, 1, 0, 1, 1], ROUND_ROBIN);
      for (const { what, who, amount, restMs } of changes) {
        CHANGES[what]!(pool.targets[who]!, amount);
        pool.nowMs += restMs;
        pool.state.refresh(pool.nowMs);
        const anew = new PoolState(pool.targets, IDLE_PICKER, "fixed");
        anew.refresh(pool.nowMs);
        assert.deepEqual(columns(pool.state), columns(anew));
      }
    }),
  );
});

/**
 * Where a level has to do without the others; what is different elsewhere:
 * docs/decisions/0016-no-spill.md.
 */
const alone = ENVOY_PANIC.filter(({ healthy, normalizedTotal }) => healthy >= 50 || normalizedTotal < 100);
for (const { healthy, panics } of new Map(alone.map((level) => [level.healthy, level])).values()) {
  test(`panic: with ${healthy} of 100 targets ready ${panics ? "all are" : "only those are"} used, as by Envoy`, () => {
    const pool = new BalancedPool(Array<number>(100).fill(1), ROUND_ROBIN);
    for (let i = healthy; i < 100; i++) {
      if (i % 2 === 0) pool.targets[i]!.down();
      else pool.targets[i]!.eject();
    }
    const used = new Set(pool.run(300)).size;
    assert.equal(pool.state.panics, panics);
    assert.equal(used, panics ? 100 : healthy);
  });
}

test("panic: with none of the targets ready all are used", () => {
  const pool = new BalancedPool([1, 1, 1], ROUND_ROBIN);
  for (const target of pool.targets) target.down();
  assert.equal(new Set(pool.run(9)).size, 3);
});

test("panic: a target that is tried gets one batch at a time, and none while it rests from the last try", () => {
  const pool = new BalancedPool([1, 1, 1], ROUND_ROBIN);
  pool.targets[0]!.eject("connect", 250);
  pool.targets[1]!.down();
  pool.targets[1]!.load.sent(1, 1, 0);
  assert.equal(pool.run(3), "ccc");
  pool.nowMs = 250;
  assert.match(pool.run(4), /^[ac]{4}$/u);
});

test("panic: a target of which some calls succeed is used as usual, and makes the pool usable", () => {
  const pool = new BalancedPool([1, 1], ROUND_ROBIN);
  for (const target of pool.targets) target.eject("success_rate", Infinity);
  for (const target of pool.targets) for (let i = 0; i < 5; i++) target.load.sent(1, 1, 0);
  assert.equal(pool.run(4), "abab");
  assert.equal(pool.state.usableCount, 2);
});

test("panic: what operators took out is neither used nor counted, and what is new and unproven is not counted", () => {
  const pool = new BalancedPool([1, 1, 1, 1, 1], ROUND_ROBIN);
  pool.targets[0]!.aside("maintenance");
  pool.targets[1]!.aside("drain");
  assert.equal(pool.run(6), "cdecde");
  pool.targets[4]!.down("added");
  pool.targets[3]!.eject();
  assert.equal(pool.run(4), "cccc");
  assert.deepEqual([pool.state.ready, pool.state.counted, pool.state.panics], [1, 2, false]);
  pool.targets[2]!.eject();
  assert.deepEqual([...new Set(pool.run(6))].toSorted(), ["c", "d", "e"]);
});

test("panic: all that ask for a pause are left alone, and that is no panic", () => {
  const pool = new BalancedPool([1, 1], ROUND_ROBIN);
  for (const target of pool.targets) target.ready(0, 500);
  assert.equal(pool.run(2), "--");
  assert.equal(pool.state.panics, false);
  assert.equal(pool.state.nextChangeMs, 500);
  pool.nowMs = 500;
  assert.equal(pool.run(2), "ab");
});

test("pool state: a target is listened to from a refresh to its next change only", () => {
  const pool = new BalancedPool([1, 1], ROUND_ROBIN);
  const listeners = (): number[] => pool.targets.map((target) => target.listeners);
  assert.deepEqual(listeners(), [0, 0]);
  pool.pick();
  assert.deepEqual(listeners(), [1, 1]);
  pool.targets[0]!.ready();
  pool.targets[0]!.eject();
  assert.deepEqual(listeners(), [0, 1]);
  pool.pick();
  pool.pick();
  assert.deepEqual(listeners(), [1, 1]);
});

test("pool state: a target that other pools have filled is found out when it is picked", () => {
  const pool = new BalancedPool([1, 1], ROUND_ROBIN);
  pool.targets[0]!.room = 1;
  pool.pick();
  pool.targets[0]!.load.sent(1, 1, 0);
  assert.equal(pool.pick(), 0);
  assert.equal(pool.state.confirm(0), false);
  assert.equal(pool.pick(), 1);
  assert.equal(pool.state.confirm(1), true);
});

test("adaptive weights: a loaded target gets a smaller part, from 1 to 0.1, smoothly", () => {
  const pool = new BalancedPool([4, 4], { type: "weighted_round_robin" }, { weights: "adaptive" });
  const [a, b] = pool.targets;
  const parts = (): number[] => {
    pool.state.refresh(pool.nowMs);
    return [...pool.state.weight].map((weight) => weight / 4);
  };
  assert.deepEqual(parts(), [1, 1]);
  for (let i = 0; i < 63; i++) a!.load.sent(1, 1, 0);
  pool.nowMs = 1_000;
  const [soon = 0] = parts();
  assert.ok(soon > 0.7 && soon < 1, `${soon}`);
  for (; pool.nowMs < 60_000; pool.nowMs += 500) parts();
  const [later = 0, other] = parts();
  assert.ok(Math.abs(later - 0.1) < 0.02, `${later}`);
  assert.equal(other, 1);
  const counts = pool.counts(110);
  assert.ok(Math.abs(counts[0]! - 11) <= 1, counts.join());
  for (let i = 0; i < 63; i++) a!.load.ended({ items: 1, bytes: 1, sentMs: 0 }, { kind: "answered" }, pool.nowMs);
  for (const end = pool.nowMs + 60_000; pool.nowMs < end; pool.nowMs += 500) parts();
  assert.ok(parts()[0]! > 0.99 && b!.inFlight === 0);
});
