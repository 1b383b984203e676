import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import { requestOf } from "./requests.ts";
import { SamplingRig, seriesOf } from "./sampling-rig.ts";

const ADAPTIVE = `{ sampling_strategies: [{ type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 100 },
  { type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }] }`;

test("sampling: where a rate follows what comes, all of it is counted by class and probability, also while all is kept", () => {
  const rig = new SamplingRig("traces", ADAPTIVE);
  const bytes = requestOf([
    { service: "payment", spans: [{ name: "high" }, { name: "high", parent: true }] },
    {
      service: "cart",
      spans: [
        { name: "high", state: "ot=th:c" }, // one of four
        { name: "high", state: "ot=th:8" }, // one of two
        { name: "low", state: "ot=th:c" }, // which is not to be believed
        { name: "none" },
        { name: "low", parent: true },
      ],
    },
  ]);
  assert.equal(rig.sample(bytes).result, SAMPLED.SAME);
  assert.deepEqual(rig.received(), ["high 0 2", "normal 2 1", "normal 1 1", "normal 0 2", "normal none 1"]);
  assert.deepEqual(seriesOf(rig.metrics.samplingReceivedTraces), [
    "high 0 1",
    "normal 2 1",
    "normal 1 1",
    "normal 0 1",
    "normal none 1",
  ]);
  assert.deepEqual(seriesOf(rig.metrics.samplingReceivedAdjusted).slice(1, 3), ["normal 2 4", "normal 1 2"]);
  const [, second] = seriesOf(rig.metrics.samplingReceivedBytes);
  const { length } = Buffer.from("high");
  // Trace id, tracestate and name, each with tag and length.
  assert.equal(second, `normal 2 ${18 + 2 + "ot=th:c".length + 2 + length}`);
});

test("sampling: what is dropped was received all the same, and what is refused was not: it comes again", () => {
  const rig = new SamplingRig("traces", ADAPTIVE);
  rig.sampler.obey({ traces: [{ class: "normal", probability: 0.25, reason: "adaptive" }], logs: [] });
  const bytes = requestOf([{ service: "cart", spans: [{ name: "low" }, { name: "high" }] }]);
  rig.sample(bytes);
  assert.deepEqual([rig.received(), rig.dropped()], [["normal 0 2"], 1]);
  assert.deepEqual(seriesOf(rig.metrics.samplingReceivedKept), ["normal 0 1"]);
  rig.walk(bytes);
  rig.sampler.refuse("queue_full");
  assert.deepEqual(rig.received(), ["normal 0 2"]);
});

test("sampling: without a strategy that follows what comes nothing of it is counted", () => {
  const rig = new SamplingRig("traces", "{ sampling_rate: 0.5 }");
  rig.sample(requestOf([{ service: "cart", spans: [{ name: "high" }] }]));
  assert.deepEqual(rig.received(), []);
});
