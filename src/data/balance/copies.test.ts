import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BalancedPool } from "../../../test/support/balance/balanced-pool.ts";
import type { StrategyPlan } from "../../plan/plan.ts";
import { copyOf } from "./picker.ts";

const REMEMBERING: readonly StrategyPlan[] = [
  { type: "round_robin" },
  { type: "weighted_round_robin" },
  { type: "least_connections" },
  { type: "failover", returnAfterMs: 20 },
  { type: "geography", region: "eu", order: ["us"] },
];

type Step =
  | { readonly kind: "take"; readonly items: number }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "out" | "back" | "slow" | "full"; readonly at: number };

const aStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("take"), items: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant("wait"), ms: fc.constantFrom(1, 30, 300) }),
  fc.record({ kind: fc.constantFrom("out", "back", "slow", "full"), at: fc.nat(2) }),
);

function open(strategy: StrategyPlan, size: number, weights: "fixed" | "adaptive"): BalancedPool {
  const targets = Array.from({ length: size }, (_, i) => ({ weight: 1 + (i % 3), region: i % 2 === 0 ? "eu" : "us" }));
  return new BalancedPool(targets, strategy, { weights });
}

/** Gives who was picked, if it was a pick. */
function take(pool: BalancedPool, step: Step): number | undefined {
  if (step.kind === "take") return pool.take(step.items);
  if (step.kind === "wait") {
    pool.nowMs += step.ms;
    return undefined;
  }
  const target = pool.targets[step.at]!;
  if (step.kind === "out") target.eject("connect", Infinity);
  else if (step.kind === "back") target.ready(pool.nowMs);
  else if (step.kind === "slow") target.become({ backShare: target.backShare < 1 ? 1 : 0.4 });
  else target.become({ windowSize: target.windowSize() === 0 ? 64 : 0 });
  return undefined;
}

/** What a pick would be, tried on copies. */
function tried(pool: BalancedPool): number {
  const picker = copyOf(pool.picker);
  assert.ok(picker !== undefined);
  const state = pool.state.copyAt(pool.nowMs, picker);
  const index = picker.pick(state);
  if (index >= 0) picker.charge(state, index, { items: 7, bytes: 7 });
  return index;
}

for (const strategy of REMEMBERING) {
  // Above eight targets least_connections picks of two at random.
  for (const size of strategy.type === "least_connections" ? [3, 8] : [3, 70]) {
    test(`${strategy.type} over ${size}: what is tried on copies is what is picked next, and shows in no later pick`, () => {
      fc.assert(
        fc.property(
          fc.array(aStep, { maxLength: 40, size: "max" }),
          fc.constantFrom("fixed", "adaptive"),
          (steps, weights) => {
            const asked = open(strategy, size, weights);
            const left = open(strategy, size, weights);
            for (const step of steps) {
              const listeners = asked.targets.map((target) => target.listeners);
              const next = tried(asked);
              tried(asked);
              assert.deepEqual(
                asked.targets.map((target) => target.listeners),
                listeners,
                "no target is listened to",
              );
              const picked = take(asked, step);
              assert.equal(picked, take(left, step));
              if (picked !== undefined) assert.equal(picked, next);
            }
          },
        ),
        { numRuns: 60 },
      );
    });
  }
}
