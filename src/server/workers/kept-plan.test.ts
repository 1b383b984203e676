import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { changedText, summed } from "../../plan/plan-text.ts";
import { readPlanData } from "../../plan/read-plan-data.ts";
import { textSource } from "../config-source.ts";
import { KeptPlan } from "./kept-plan.ts";

test("kept plan: of one that differs in a rule, what differs is told; of a short one, or where most does, all is", () => {
  const planOf = (ids: readonly string[], version: number): KeptPlan => {
    const text = completeConfig({
      targets: [{ id: "a", endpoint: "http://127.0.0.1:1" }],
      default_pool: { targets: ["a"] },
      rules: ids.map((id) => ({ id, conditions: [{ service_name: `${id}-of-a-long-name` }], targets: ["a"] })),
    });
    const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
    assert.ok(config !== undefined);
    return new KeptPlan(compile(config, config.node, { version, text }));
  };
  const ids = Array.from({ length: 500 }, (_, i) => `rule-${i}`);
  const [first, next] = [planOf(ids, 1), planOf(ids.with(7, "other"), 2)];
  const change = next.changeFrom(first);
  assert.ok(change !== undefined && change.put.length < 200, change?.put);
  assert.equal(changedText(summed(first.text), change)?.text, next.text);
  assert.equal(
    planOf(
      ids.map((id) => `x${id}`),
      2,
    ).changeFrom(first),
    undefined,
  );
  assert.equal(planOf(["a"], 2).changeFrom(planOf(["b"], 1)), undefined);
});

test("kept plan: workers get all of it as one text", () => {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", limits: { max_in_flight: 7 } }],
    pools: { one: { targets: ["a"] } },
    rules: [{ id: "r", conditions: [{ service_name: "x*" }], pool: "one" }],
    default_pool: "one",
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  const plan = compile(config, config.node, { version: 3, text });
  const kept = new KeptPlan(plan);
  assert.deepEqual(readPlanData(kept.text), plan);
  assert.deepEqual([kept.version, kept.digest, kept.targets, kept.pools], [3, plan.digest, plan.targets, plan.pools]);
});
