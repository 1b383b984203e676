import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SendOutcome } from "../../src/data/send-outcome.ts";
import type { StrategyPlan } from "../../src/plan/plan.ts";
import { ACCEPTED, BAD_DATA, failing, PoolRig, targetPlan, TOO_LARGE } from "./pool-rig.ts";

const MAX_BYTES = 3_000;

type Step =
  | { readonly kind: "offer"; readonly bytes: number; readonly items: number; readonly withinMs: number }
  | { readonly kind: "answer"; readonly nth: number; readonly outcome: SendOutcome }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "cancel"; readonly nth: number }
  | { readonly kind: "swap"; readonly strategy: StrategyPlan; readonly ids: readonly string[] };

const anOutcome = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ACCEPTED) },
  fc.constantFrom<SendOutcome>(
    failing("connect"),
    failing("timeout"),
    failing("reset"),
    failing("unavailable"),
    failing("throttled", 30),
    failing("throttled"),
    TOO_LARGE,
    BAD_DATA,
    { kind: "rejected", code: "INTERNAL", message: "no", badData: false },
    { kind: "accepted", rejected: 2, message: "two" },
  ),
);
const offer = fc.record({
  kind: fc.constant("offer" as const),
  bytes: fc.integer({ min: 8, max: 700 }),
  items: fc.integer({ min: 1, max: 8 }),
  withinMs: fc.constantFrom(5, 200, 3_000, Infinity),
});
const answer = fc.record({ kind: fc.constant("answer" as const), nth: fc.nat(7), outcome: anOutcome });
const pass = fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 20, 400) });
const cancel = fc.record({ kind: fc.constant("cancel" as const), nth: fc.nat(20) });
const targetIds = fc.subarray(["a", "b", "c"]);

function swapTo(strategies: readonly StrategyPlan[]): fc.Arbitrary<Step> {
  return fc.record({ kind: fc.constant("swap" as const), strategy: fc.constantFrom(...strategies), ids: targetIds });
}

function steps(strategies: readonly StrategyPlan[]): fc.Arbitrary<Step[]> {
  const weighted = [
    { weight: 6, arbitrary: offer },
    { weight: 8, arbitrary: answer },
    { weight: 2, arbitrary: pass },
    { weight: 1, arbitrary: cancel },
    { weight: 1, arbitrary: swapTo(strategies) },
  ] as const;
  return fc.array(fc.oneof(...weighted), { maxLength: 120, size: "max" });
}

function rigOf(strategy: StrategyPlan): PoolRig {
  const targets = ["a", "b", "c"].map((id) => targetPlan(id, { maxInFlight: 3, maxRequestBytes: 600 }));
  const batch = { maxItems: 12, maxBytes: 900, maxWaitMs: 0 };
  return new PoolRig(targets, { strategy, batch, queue: { maxBytes: MAX_BYTES, maxAgeMs: 60_000 } });
}

function take(rig: PoolRig, step: Step): void {
  switch (step.kind) {
    case "offer":
      return void rig.offer(1, { ...step, deadlineMs: rig.clock.nowMs() + step.withinMs });
    case "answer":
      rig.calls[step.nth % Math.max(1, rig.calls.length)]?.answer(step.outcome);
      return rig.turn();
    case "pass":
      return rig.pass(step.ms);
    case "cancel": {
      const offered = rig.offered[step.nth % Math.max(1, rig.offered.length)];
      if (offered !== undefined) offered.receipt.cancelled = true;
      return;
    }
    case "swap":
      return rig.update({ strategy: step.strategy }, step.ids);
  }
}

/** Targets come to their senses: whatever is left is accepted, or ends by its deadline. */
function finish(rig: PoolRig): void {
  rig.update({}, ["a", "b", "c"]);
  for (let i = 0; i < 200 && rig.pool.heldBytes > 0; i++) {
    rig.answerAll();
    rig.pass(400);
  }
}

const ONE_EACH: readonly StrategyPlan[] = [
  { type: "round_robin" },
  { type: "weighted_round_robin" },
  { type: "weighted_random" },
  { type: "failover", returnAfterMs: 50 },
];

test("whatever targets answer and however the config changes: each parcel is settled once, the bound holds, nothing accepted is sent again", () => {
  fc.assert(
    fc.property(steps(ONE_EACH), (sequence) => {
      const rig = rigOf({ type: "round_robin" });
      for (const step of sequence) {
        take(rig, step);
        const open = rig.offered.filter(({ outcomes }) => outcomes.length === 0);
        const held = open.reduce((sum, { record }) => sum + record.bytes, 0);
        assert.ok(rig.pool.heldBytes <= held); // a half that ended gives its bytes back before the other
        assert.ok(rig.pool.heldBytes <= MAX_BYTES);
      }
      finish(rig);
      assert.deepEqual(
        [rig.pool.heldBytes, rig.pool.queuedBytes, rig.pool.queuedItems, rig.pool.inFlight],
        [0, 0, 0, 0],
      );
      for (const { record, pieces, outcomes } of rig.offered) {
        assert.equal(outcomes.length, 1);
        const accepted = rig.takenBytes.get(pieces[0]!.buffer) ?? 0;
        assert.ok(accepted <= record.bytes, `${accepted} of ${record.bytes} bytes accepted`);
        if (outcomes[0]!.kind === "delivered") assert.equal(accepted, record.bytes);
      }
    }),
    { numRuns: 300 },
  );
});

test("the same with broadcast among the strategies: each parcel is settled once and the bound holds", () => {
  fc.assert(
    fc.property(steps([{ type: "broadcast" }, { type: "round_robin" }]), (sequence) => {
      const rig = rigOf({ type: "broadcast" });
      for (const step of sequence) {
        take(rig, step);
        assert.ok(rig.pool.heldBytes <= MAX_BYTES);
      }
      finish(rig);
      assert.deepEqual([rig.pool.heldBytes, rig.pool.queuedItems, rig.pool.inFlight], [0, 0, 0]);
      for (const { record, pieces, outcomes } of rig.offered) {
        assert.equal(outcomes.length, 1);
        const accepted = rig.takenBytes.get(pieces[0]!.buffer) ?? 0;
        const [end] = outcomes;
        if (end?.kind === "delivered" && end.rejected === 0) assert.ok(accepted >= record.bytes);
      }
    }),
    { numRuns: 200 },
  );
});
