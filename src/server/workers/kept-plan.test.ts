import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { readPlanData } from "../../plan/read-plan-data.ts";
import { textSource } from "../config-source.ts";
import { KeptPlan } from "./kept-plan.ts";

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
