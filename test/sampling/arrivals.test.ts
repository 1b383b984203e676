import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLED } from "../../src/data/sample/sampler.ts";
import { requestOf } from "./requests.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { RandomnessCounts } from "../../src/data/sample/randomness-counts.ts";
import { checkRandomness } from "../../src/plan/sampling/randomness-check.ts";
import { seededRandom } from "../../src/core/random.ts";
import { SamplingRig, seriesOf } from "./sampling-rig.ts";

const ADAPTIVE = `{ sampling_strategies: [{ type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 100 },
  { type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }] }`;

const random = seededRandom(5);

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

function idsOf(service: string, ids: readonly Buffer[], state = ""): Uint8Array {
  const spans = ids.map((traceId) => ({ name: "x", traceId, traceState: state }));
  const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
  return encodeRequest("traces", { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
}

function randomIds(count: number): Buffer[] {
  return Array.from({ length: count }, () =>
    Buffer.from(Array.from({ length: 16 }, () => Math.floor(random.next() * 256))),
  );
}

test("randomness: of one span in 64 it is counted by service; once for spans of a trace that come together", () => {
  const rig = new SamplingRig("traces", "{ sampling_rate: 0.1 }");
  rig.walk(idsOf("cart", randomIds(640)));
  const [one] = randomIds(1);
  rig.walk(
    idsOf(
      "ship",
      Array.from({ length: 640 }, () => one!),
    ),
  );
  rig.walk(idsOf("thin", randomIds(640), "ot=th:8")); // half of them with a threshold that can be true
  const seen = rig.randomness.seen.map(({ service, buckets }) => [service, buckets.reduce((sum, n) => sum + n, 0)]);
  assert.deepEqual(seen.slice(0, 2), [
    ["cart", 10],
    ["ship", 1],
  ]);
  assert.ok(Number(seen[2]?.[1] ?? 0) < 10, "what came thinned is not counted");
  const idle = new SamplingRig("traces", "{ sampling_strategies: [{ type: fixed, rate: 1 }] }");
  idle.walk(idsOf("cart", randomIds(640)));
  assert.deepEqual(idle.randomness.seen, [], "where all is kept nothing is looked at");
});

test("randomness: ids that end in zeros are skewed, random ones are not; of too many services the rest is not counted", () => {
  const counts = new RandomnessCounts();
  const add = (service: string, hi: number): void =>
    counts.add(service, { arrival: 1, random: { hi, lo: random.next() } });
  for (let i = 0; i < 100_000; i++) {
    add("even", Math.floor(random.next() * 0x1_00_00_00));
    add("zeros", i % 3 === 0 ? 0 : Math.floor(random.next() * 0x1_00_00_00));
  }
  assert.deepEqual(
    counts.seen.map(({ service, buckets }) => [service, checkRandomness(buckets).verdict]),
    [
      ["even", "uniform"],
      ["zeros", "skewed"],
    ],
  );
  for (const { buckets } of counts.seen)
    assert.ok(buckets.reduce((sum, n) => sum + n, 0) <= 65_536, "what is old goes");
  for (let i = 0; i < 300; i++) add(`s${i}`, 1);
  assert.equal(counts.seen.length, 200);
});
