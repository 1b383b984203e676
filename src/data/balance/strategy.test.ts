import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { seededRandom } from "../../core/random.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import type { Picker, PoolView, TargetView } from "./picker.ts";
import { createPicker } from "./strategy.ts";

function target(more: Partial<TargetView> = {}): TargetView {
  const usable = more.usable ?? true;
  return { weight: 1, inFlight: 0, usableSinceMs: 0, eligible: usable, excluded: false, ...more, usable };
}

function viewOf(targets: readonly TargetView[], nowMs = 0): PoolView {
  return { nowMs, targets };
}

function weighted(...weights: number[]): PoolView {
  return viewOf(weights.map((weight) => target({ weight })));
}

function run(picker: Picker, view: PoolView, picks: number): string {
  let seen = "";
  for (let i = 0; i < picks; i++) seen += "abcdefgh"[picker.pick(view)] ?? "-";
  return seen;
}

function counts(seen: string, size: number): number[] {
  return Array.from({ length: size }, (_, i) => seen.split("abcdefgh"[i]!).length - 1);
}

function open(strategy: StrategyPlan): Picker {
  return createPicker(strategy, seededRandom(7));
}

const STATELESS = ["round_robin", "weighted_round_robin", "weighted_random"] as const;
const aWeight = fc.integer({ min: 1, max: 9 });
const someWeights = fc.array(aWeight, { minLength: 1, maxLength: 6 });

test("round_robin goes in turn", () => {
  assert.equal(run(open({ type: "round_robin" }), weighted(1, 1, 1), 7), "abcabca");
});

test("round_robin: shares are equal within 1 between targets that are always eligible, whichever others are skipped", () => {
  const flips = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 200 });
  fc.assert(
    fc.property(flips, (steps) => {
      const picker = open({ type: "round_robin" });
      const got = [0, 0, 0, 0];
      for (const [b, d] of steps) {
        got[picker.pick(viewOf([target(), target({ eligible: b }), target(), target({ usable: d })]))]! += 1;
        assert.ok(Math.abs(got[0]! - got[2]!) <= 1, got.join());
      }
    }),
  );
});

test("round_robin does not flood a target that was away to catch up", () => {
  const picker = open({ type: "round_robin" });
  run(picker, viewOf([target(), target({ usable: false })]), 100);
  assert.equal(run(picker, viewOf([target(), target()]), 6), "bababa");
});

test("weighted_round_robin: weights 5:1:1 give a a b a c a a", () => {
  assert.equal(run(open({ type: "weighted_round_robin" }), weighted(5, 1, 1), 14), "aabacaaaabacaa");
});

test("weighted_round_robin: shares are exact over a cycle, for any weights", () => {
  fc.assert(
    fc.property(someWeights, (weights) => {
      const cycle = weights.reduce((a, b) => a + b, 0);
      const seen = run(open({ type: "weighted_round_robin" }), weighted(...weights), 3 * cycle);
      assert.deepEqual(
        counts(seen, weights.length),
        weights.map((weight) => 3 * weight),
      );
    }),
  );
});

test("weighted_round_robin: while one is skipped the others share by their weights, and afterwards all do", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 30 }), (before, cycles) => {
      const picker = open({ type: "weighted_round_robin" });
      run(picker, weighted(3, 2, 1), before);
      const away = [target({ weight: 3 }), target({ weight: 2 }), target({ eligible: false })];
      const [a = 0, b = 0, c] = counts(run(picker, viewOf(away), 5 * cycles), 3);
      assert.ok(Math.abs(a - 3 * cycles) <= 2 && Math.abs(b - 2 * cycles) <= 2, `${a}:${b}`);
      assert.equal(c, 0);
      const [, , back = 0] = counts(run(picker, weighted(3, 2, 1), 60), 3);
      assert.ok(Math.abs(back - 10) <= 1, `${back} of 60`);
    }),
  );
});

test("weighted_random follows the weights: chi-square", () => {
  const weights = [5, 3, 1, 1];
  const picks = 20_000;
  const got = counts(run(open({ type: "weighted_random" }), weighted(...weights), picks), 4);
  const chiSquare = got.reduce((sum, n, i) => {
    const expected = (picks * weights[i]!) / 10;
    return sum + (n - expected) ** 2 / expected;
  }, 0);
  assert.ok(chiSquare < 16.27, `chi-square ${chiSquare} at 3 degrees of freedom`); // p = 0.001, fixed seed
});

for (const type of STATELESS) {
  test(`${type}: weight 0 gets nothing unless nothing else is usable`, () => {
    const idle = target({ weight: 0 });
    assert.equal(run(open({ type }), viewOf([target(), idle]), 20), "a".repeat(20));
    assert.equal(run(open({ type }), viewOf([target({ eligible: false }), idle]), 3), "---");
    assert.equal(run(open({ type }), viewOf([target({ usable: false }), idle]), 3), "bbb");
    assert.deepEqual(counts(run(open({ type }), viewOf([idle, idle]), 40), 2).includes(0), false);
  });

  test(`${type}: only eligible targets are picked, and -1 only when there is none`, () => {
    const aTarget = fc.record({ eligible: fc.boolean(), weight: aWeight });
    fc.assert(
      fc.property(fc.array(fc.array(aTarget, { maxLength: 5 }), { maxLength: 50 }), (views) => {
        const picker = open({ type });
        for (const targets of views) {
          const picked = picker.pick(viewOf(targets.map((one) => target(one))));
          if (targets.some((one) => one.eligible)) assert.equal(targets[picked]?.eligible, true);
          else assert.equal(picked, -1);
        }
      }),
    );
  });
}

test("failover uses the first usable target in order and waits for it when its window is full", () => {
  const picker = open({ type: "failover", returnAfterMs: 1_000 });
  assert.equal(run(picker, viewOf([target(), target()]), 3), "aaa");
  assert.equal(run(picker, viewOf([target({ eligible: false }), target()]), 3), "---");
  assert.equal(run(picker, viewOf([target({ usable: false }), target(), target()]), 3), "bbb");
  assert.equal(run(picker, viewOf([target({ usable: false }), target({ usable: false })]), 1), "-");
});

test("failover goes back only after the earlier target has been usable for return_after", () => {
  const picker = open({ type: "failover", returnAfterMs: 1_000 });
  assert.equal(run(picker, viewOf([target({ usable: false }), target()], 0), 1), "b");
  const back = [target({ usableSinceMs: 500 }), target()];
  assert.equal(run(picker, viewOf(back, 1_499), 1), "b");
  assert.equal(run(picker, viewOf(back, 1_500), 1), "a");
});

test("failover leaves for an earlier target at once when its own is no longer usable", () => {
  const picker = open({ type: "failover", returnAfterMs: 60_000 });
  assert.equal(run(picker, viewOf([target({ usable: false }), target()], 0), 1), "b");
  assert.equal(run(picker, viewOf([target({ usableSinceMs: 5 }), target({ usable: false })], 6), 1), "a");
});

test("failover sends one batch elsewhere when it just failed at the current target, and stays", () => {
  const picker = open({ type: "failover", returnAfterMs: 60_000 });
  const excluded = target({ excluded: true, eligible: false });
  assert.equal(run(picker, viewOf([excluded, target()]), 1), "b");
  assert.equal(run(picker, viewOf([target(), target()]), 1), "a");
});

test("failover: with all usable and return_after passed it is always the first", () => {
  const aView = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(aView, { maxLength: 30 }), (steps) => {
      const picker = open({ type: "failover", returnAfterMs: 100 });
      for (const usable of steps) {
        const picked = picker.pick(viewOf(usable.map((one) => target({ usable: one }))));
        assert.equal(usable[picked] ?? !usable.includes(true), true);
      }
      assert.equal(run(picker, viewOf([target(), target(), target()], 100), 1), "a");
    }),
  );
});

test("broadcast: each target's own queue picks that target, when it has room", () => {
  const picker = open({ type: "broadcast" });
  assert.equal(run(picker, viewOf([target()]), 2), "aa");
  assert.equal(run(picker, viewOf([target({ eligible: false })]), 1), "-");
});
