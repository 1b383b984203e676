import assert from "node:assert/strict";
import { test } from "node:test";
import type { SamplingState } from "../../src/plan/sampling-plan.ts";
import { leftOf, requestOf } from "./requests.ts";
import { SamplingRig } from "./sampling-rig.ts";

const DIRECTIVE: SamplingState = {
  traces: [{ class: "normal", probability: 0.5, reason: "adaptive" }],
  logs: [],
  bound: { keptPerSecond: 100, highestRate: 0.5 },
};

/** `R` of each is spread evenly. */
function manySpans(service: string, count: number): Uint8Array {
  const spans = Array.from({ length: count }, (_, i) => {
    const rv = Math.floor(((i + 0.5) / count) * 0x100_0000)
      .toString(16)
      .padStart(6, "0");
    return { name: "high", state: `ot=rv:${rv}00000000` } as const;
  });
  return requestOf([{ service, spans }]);
}

test("guard: what comes beyond the bound is kept at a lower rate, which is told, and what is protected is not lowered", () => {
  const rig = new SamplingRig(
    "traces",
    `{ sampling_strategies: [{ type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 100 },
      { type: priority_based, rules: [{ priority: high, rate: 1, services: [payment] }] }] }`,
  );
  rig.guard.bind(DIRECTIVE.bound);
  rig.sampler.obey(DIRECTIVE);
  let kept = 0;
  const marks = new Set<string>();
  for (let ms = 0; ms < 2_000; ms += 10) {
    rig.clock.advance(10);
    const [left = ""] = leftOf(rig.sample(manySpans("cart", 20)).bytes);
    for (const [, mark = ""] of left.matchAll(/ot=(th:[0-9a-f]+)/gu)) {
      marks.add(mark);
      if (ms >= 1_000) kept++;
    }
  }
  // 2,000 a second come, of which the directive alone would keep 1,000.
  assert.ok(kept <= 110 && kept >= 60, `${kept}`);
  assert.ok(marks.has("th:8") && marks.size > 1, [...marks].join());
  assert.ok(rig.metrics.samplingItems.with("traces", "normal", "guard", "dropped").value > 0);
  const bytes = manySpans("payment", 4);
  assert.equal(rig.sample(bytes).bytes, bytes);
});

test("guard: without a bound, and once it is taken away, what was decided holds", () => {
  const rig = new SamplingRig(
    "traces",
    "{ sampling_strategies: [{ type: adaptive, min_rate: 0.001, max_rate: 1, target_qps: 100 }] }",
  );
  rig.sampler.obey(DIRECTIVE);
  const sample = (): number =>
    leftOf(rig.sample(manySpans("cart", 1_000)).bytes)
      .join()
      .split("th:8").length - 1;
  assert.equal(sample(), 500);
  rig.guard.bind(DIRECTIVE.bound);
  assert.equal(sample(), 500); // it was not exceeded before
  rig.clock.advance(1);
  assert.ok(sample() < 500);
  rig.guard.bind(undefined);
  assert.equal(sample(), 500);
});
