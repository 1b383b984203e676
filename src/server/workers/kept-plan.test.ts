import assert from "node:assert/strict";
import { test } from "node:test";
import { completeConfig } from "../../../test/support/node.ts";
import { compile } from "../../plan/compile.ts";
import { readPlanData } from "../../plan/read-plan-data.ts";
import { textSource } from "../config-source.ts";
import { listenOptions } from "../listen-options.ts";
import { KeptPlan } from "./kept-plan.ts";
import { sharePlan } from "./shares.ts";

test("kept plan: each worker gets the whole plan, with its share of the limits", () => {
  const text = completeConfig({
    targets: [{ id: "a", endpoint: "http://127.0.0.1:1", limits: { max_in_flight: 7 } }],
    pools: { one: { targets: ["a"] } },
    rules: [{ id: "r", conditions: [{ service_name: "x*" }], pool: "one" }],
    default_pool: "one",
  });
  const { config } = textSource(text, { name: "test.yaml", folder: ".", file: undefined }, {}).load(text);
  assert.ok(config !== undefined);
  const plan = compile(config, config.node, { version: 3, text });
  const { limits } = listenOptions(config.node);
  const kept = new KeptPlan(plan);
  assert.deepEqual(readPlanData(kept.textFor({ index: 0, of: 1 }, limits)), plan);
  const share = { index: 1, of: 2 };
  assert.deepEqual(readPlanData(kept.textFor(share, limits)), { ...plan, ...sharePlan(plan, share, limits) });
});
