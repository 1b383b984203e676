import assert from "node:assert/strict";
import { test } from "node:test";
import { openDryRun } from "../../src/data/dry-run.ts";
import { loadText } from "../config/load-text.ts";
import { boundPlan } from "../support/bound-plan.ts";
import { BOTH, requestOf } from "./requests.ts";

test("sampling: where a test of the rules sends items, none is missing", async () => {
  const { config } = loadText('targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: { sampling_rate: 0 }');
  assert.ok(config);
  await using run = await openDryRun(boundPlan(config));
  run.send("traces", requestOf([{ service: "cart", spans: BOTH }]), "default");
  run.finish();
  assert.deepEqual([...run.byTarget], [["a", 2]]);
  assert.deepEqual(
    [...run.byRule].filter(([, items]) => items > 0),
    [["(default)", 2]],
  );
});
