import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Latencies } from "./latency.ts";

test("latency: every quantile is within a hundredth of the exact one, and never above the largest", () => {
  const latencies = fc.array(fc.double({ min: 0.1, max: 200_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(latencies, (list) => {
      const told = new Latencies();
      for (const latencyMs of list) told.add(latencyMs);
      const sorted = list.toSorted((a, b) => a - b);
      const { p50Ms, p90Ms, p99Ms, maxMs } = told.summary();
      for (const [share, got] of [
        [0.5, p50Ms],
        [0.9, p90Ms],
        [0.99, p99Ms],
      ] as const) {
        const exact = sorted[Math.max(1, Math.floor(share * list.length + 0.5)) - 1]!;
        assert.ok(got >= exact * 0.99 && got <= exact * 1.01 && got <= maxMs, `${got} for ${exact}`);
      }
      assert.equal(maxMs, sorted.at(-1));
    }),
  );
});

test("latency: without any, all is zero", () => {
  const empty = { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 };
  assert.deepEqual(new Latencies().summary(), empty);
});

test("latency: what is beyond the scale is counted, and known by the largest", () => {
  const told = new Latencies();
  told.add(0);
  told.add(10_000_000);
  const { count, maxMs } = told.summary();
  assert.deepEqual([count, maxMs], [2, 10_000_000]);
});
