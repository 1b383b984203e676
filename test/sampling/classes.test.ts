import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import type { SamplingState } from "../../src/plan/sampling-plan.ts";
import { BOTH, leftOf, requestOf } from "./requests.ts";
import { SamplingRig } from "./sampling-rig.ts";

test("sampling: the first rule that takes an item gives its class; services, resources and attributes decide", () => {
  const rig = new SamplingRig(
    "traces",
    `{ sampling_strategies: [{ type: priority_based, rules: [
      { priority: normal, rate: 0.5 },
      { priority: high, rate: 1, services: ["pay*"] },
      { priority: high, rate: 1, conditions: [{ span_status: error }] },
      { priority: low, rate: 0.25, conditions: [{ attribute: { key: tier, equals: free } }] } ] }] }`,
  );
  const bytes = requestOf([
    { service: "payment", spans: BOTH },
    {
      service: "cart",
      spans: [{ name: "low", error: true }, { name: "low" }, { name: "high", tier: "free" }, { name: "high" }],
    },
    { service: "nothing", spans: [{ name: "low" }] },
  ]);
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["payment: low, high", "cart: low, high ot=th:c, high ot=th:8"]);
  const rows = Array.from(rig.ledger.entries, ({ rule, pool, received, dropped }) => [
    rule,
    pool,
    received,
    dropped.get("sampled"),
  ]);
  assert.deepEqual(rows, [["(class normal)", "(sampled by priority_based)", 2, 2]]);
});

test("sampling: fixed rates and ceilings lower what is not protected, and the lowest one is the reason", () => {
  const rig = new SamplingRig(
    "traces",
    `{ sampling_rate: 0.5, sampling_strategies: [{ type: fixed, rate: 0.25 },
      { type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }] }`,
  );
  const bytes = requestOf([
    { service: "payment", spans: BOTH },
    { service: "cart", spans: BOTH },
  ]);
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["payment: low, high", "cart: high ot=th:c"]);
  assert.deepEqual(
    Array.from(rig.ledger.entries, ({ pool }) => pool),
    ["(sampled by fixed)"],
  );
});

test("sampling: where all that comes is kept the request stays as it is, and nothing is looked into", () => {
  const rig = new SamplingRig(
    "traces",
    "{ sampling_strategies: [{ type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }, { priority: normal, rate: 0.5 }] }] }",
  );
  const bytes = requestOf([{ service: "payment", spans: BOTH }]);
  assert.deepEqual(rig.sample(bytes), { result: SAMPLED.SAME, bytes });
  const none = requestOf([{ service: "cart", spans: [{ name: "low" }] }]);
  assert.equal(rig.sample(none).result, SAMPLED.NOTHING);
});

test("sampling: a directive replaces what the plan says of the classes that it names, and can be taken back", () => {
  const rig = new SamplingRig("traces", "{ sampling_rate: 0.5 }");
  const bytes = requestOf([{ service: "cart", spans: BOTH }]);
  const share = (probability: number): SamplingState => ({
    traces: [{ class: "normal", probability, reason: "adaptive" }],
    logs: [],
  });
  rig.sampler.obey(share(0.0625));
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["cart: high ot=th:f"]);
  rig.sampler.obey(share(1));
  assert.equal(rig.sample(bytes).bytes, bytes);
  rig.sampler.obey(share(0));
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), []);
  rig.sampler.obey({ traces: [], logs: [] });
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["cart: high ot=th:8"]);
});

test("sampling: dry_run decides and counts, drops nothing and marks nothing", () => {
  const rig = new SamplingRig("traces", "{ sampling: { dry_run: true }, sampling_rate: 0.5 }");
  const bytes = requestOf([{ service: "cart", spans: BOTH }]);
  assert.equal(rig.sample(bytes).bytes, bytes);
  assert.equal(rig.dropped(), 0);
  assert.equal(rig.metrics.samplingItems.with("traces", "normal", "sampling_rate", "dropped").value, 1);
  rig.walk(bytes);
  rig.sampler.refuse("queue_full");
  assert.deepEqual([...rig.ledger.entries], [], "what it would have dropped is refused where it would have gone");
});

test("sampling: no more than max_rate of an adaptive strategy is kept, whatever comes", () => {
  const rig = new SamplingRig(
    "traces",
    "{ sampling_strategies: [{ type: adaptive, min_rate: 0.001, max_rate: 0.25, target_qps: 1000000 }] }",
  );
  const bytes = requestOf([{ service: "cart", spans: BOTH }]);
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), ["cart: high ot=th:c"]);
});

test("sampling: by the priority of the rules that route, where a strategy has a rate for each", () => {
  const rig = new SamplingRig(
    "traces",
    `{ sampling_strategies: [{ type: priority_based, high_priority_rate: 1, normal_rate: 0.5, low: 0.25 }],
       routing_rules: [{ service: "*-1", target_region: default, priority: low }, { service: "critical-*", target_region: default, priority: high }] }`,
  );
  const bytes = requestOf([
    { service: "critical-1", spans: BOTH },
    { service: "batch-1", spans: BOTH },
    { service: "cart", spans: BOTH },
  ]);
  assert.deepEqual(leftOf(rig.sample(bytes).bytes), [
    "critical-1: low, high",
    "batch-1: high ot=th:c",
    "cart: high ot=th:8",
  ]);
});
