import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { textSource } from "../config-source.ts";
import { KeptPlan } from "./kept-plan.ts";
import { PlanTrial } from "./plan-trial.ts";

function somePlan(version = 1, ack = "delivered"): KeptPlan {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
    default_pool: { targets: ["a"], ack },
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  return new KeptPlan(compile(config, config.node, { version, text }));
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
  trial.begin(somePlan(2, "queued"));
  assert.deepEqual([trial.died(0), trial.died(0), trial.died(0), trial.died(1)], Array(4).fill(undefined));
  assert.equal(trial.died(1), first);
  assert.equal(trial.died(1), undefined);
});

test("plan trial: after half a minute it is over, and the plan is the one to return to", () => {
  const { trial, clock } = open(1);
  const second = somePlan(2, "queued");
  trial.begin(second);
  trial.died(0);
  clock.advance(30_000);
  assert.equal(trial.died(0), undefined);
  assert.equal(clock.pending, 0);
  trial.begin(somePlan(3));
  trial.died(0);
  assert.equal(trial.died(0), second);
});

test("plan trial: one that follows before the other is over has time of its own, and the one before both is good", () => {
  const { trial, clock, first } = open(1);
  trial.begin(somePlan(2, "queued"));
  clock.advance(29_000);
  trial.begin(somePlan(3));
  clock.advance(29_000);
  trial.died(0);
  assert.equal(trial.died(0), first);
});

test("plan trial: the same document once more is on the same trial", () => {
  const { trial, clock, first } = open(1);
  trial.begin(somePlan(2, "queued"));
  trial.died(0);
  clock.advance(29_000);
  trial.begin(somePlan(3, "queued"));
  assert.equal(trial.died(0), first);
  trial.begin(somePlan(4, "queued"));
  trial.died(0);
  assert.equal(trial.died(0), first, "what was taken back is not good for being committed anew");
});
