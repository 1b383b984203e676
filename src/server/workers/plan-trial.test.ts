import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { textSource } from "../config-source.ts";
import { SerializedPlan } from "./serialized-plan.ts";
import { PlanTrial } from "./plan-trial.ts";

function somePlan(version = 1, ack = "delivered"): SerializedPlan {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
    default_pool: { targets: ["a"], ack },
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  return new SerializedPlan(compile(config, config.node, { version, text }), version);
}

/** Workers that run a plan, and the trial of what they run after it. */
function open(workers: number) {
  const clock = new ManualClock();
  const first = somePlan();
  const trial = new PlanTrial({ clock, workers, first });
  return { clock, first, trial };
}

test("plan trial: the plan before comes back once, when each worker has died twice", () => {
  const { trial, first } = open(2);
  trial.begin(somePlan(2, "queued"), []);
  assert.deepEqual(
    [trial.died(0, "crashed"), trial.died(0, "crashed"), trial.died(0, "crashed"), trial.died(1, "crashed")],
    Array(4).fill(undefined),
  );
  assert.equal(trial.died(1, "crashed"), first);
  assert.equal(trial.died(1, "crashed"), undefined);
});

test("plan trial: after half a minute it is over, and the plan is the one to return to", () => {
  const { trial, clock } = open(1);
  const second = somePlan(2, "queued");
  trial.begin(second, []);
  trial.died(0, "crashed");
  clock.advance(30_000);
  assert.equal(trial.died(0, "crashed"), undefined);
  assert.equal(clock.pending, 0);
  trial.begin(somePlan(3), []);
  trial.died(0, "crashed");
  assert.equal(trial.died(0, "crashed"), second);
});

test("plan trial: one that follows before the other is over has time of its own, and the one before both is good", () => {
  const { trial, clock, first } = open(1);
  trial.begin(somePlan(2, "queued"), []);
  clock.advance(29_000);
  trial.begin(somePlan(3), []);
  clock.advance(29_000);
  trial.died(0, "crashed");
  assert.equal(trial.died(0, "crashed"), first);
});

test("plan trial: the same document once more is on the same trial", () => {
  const { trial, clock, first } = open(1);
  trial.begin(somePlan(2, "queued"), []);
  trial.died(0, "crashed");
  clock.advance(29_000);
  trial.begin(somePlan(3, "queued"), []);
  assert.equal(trial.died(0, "crashed"), first);
  trial.begin(somePlan(4, "queued"), []);
  trial.died(0, "crashed");
  assert.equal(trial.died(0, "crashed"), first, "what was taken back is not good for being committed anew");
});

test("plan trial: what ends a worker after it has run well for a while is not the plan", () => {
  const { trial, clock } = open(1);
  trial.begin(somePlan(2, "queued"), [0]);
  for (let round = 0; round < 3; round++) {
    clock.advance(5_001);
    assert.equal(trial.died(0, "crashed"), undefined);
    trial.ready(0);
  }
});

test("plan trial: a worker that runs well now is not one that cannot run the plan", () => {
  const { trial, clock, first } = open(2);
  trial.begin(somePlan(2, "queued"), [0, 1]);
  for (const worker of [0, 0, 1]) trial.died(worker, "crashed");
  trial.ready(0);
  clock.advance(5_001);
  assert.equal(trial.died(1, "crashed"), undefined);
  for (let ends = 0; ends < 2; ends++) assert.equal(trial.died(0, "crashed"), undefined);
  assert.equal(trial.died(0, "crashed"), first);
});

test("plan trial: kills from outside count only where the worker never ran", () => {
  const { trial, first } = open(1);
  trial.begin(somePlan(2, "queued"), [0]);
  for (let round = 0; round < 3; round++) {
    assert.equal(trial.died(0, "killed"), undefined);
    trial.ready(0);
  }
  trial.died(0, "out_of_memory");
  assert.equal(trial.died(0, "killed"), first);
});

test("plan trial: who fell silent at once had run for no longer than it takes to find out", () => {
  const { trial, clock, first } = open(1);
  trial.begin(somePlan(2, "queued"), [0]);
  clock.advance(14_000);
  trial.died(0, "silent");
  trial.ready(0);
  clock.advance(14_000);
  assert.equal(trial.died(0, "silent"), first);
});
