import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { textSource } from "../config-source.ts";
import { KeptPlan } from "./kept-plan.ts";
import { PlanTrial } from "./plan-trial.ts";

function somePlan(): KeptPlan {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
    default_pool: { targets: ["a"] },
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  return new KeptPlan(compile(config, config.node, { version: 1, text }));
}

test("plan trial: the plan before comes back once, when each worker has died twice", () => {
  const trial = new PlanTrial(new ManualClock());
  const before = somePlan();
  trial.begin(before, 2);
  assert.deepEqual([trial.died(0), trial.died(0), trial.died(0), trial.died(1)], Array(4).fill(undefined));
  assert.equal(trial.died(1), before);
  assert.equal(trial.died(1), undefined);
});

test("plan trial: after half a minute it is over, and nothing of the plan before is kept", () => {
  const clock = new ManualClock();
  const trial = new PlanTrial(clock);
  trial.begin(somePlan(), 1);
  trial.died(0);
  clock.advance(30_000);
  assert.equal(trial.died(0), undefined);
  assert.equal(clock.pending, 0);
});

test("plan trial: one that follows before the other is over has time of its own", () => {
  const clock = new ManualClock();
  const trial = new PlanTrial(clock);
  trial.begin(somePlan(), 1);
  clock.advance(29_000);
  const before = somePlan();
  trial.begin(before, 1);
  clock.advance(29_000);
  trial.died(0);
  assert.equal(trial.died(0), before);
});
