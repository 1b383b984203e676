import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { LatencyHistogram } from "./latency.ts";

test("latency: every quantile is at most 3 % above the exact one, and never above the largest", () => {
  const latencies = fc.array(fc.double({ min: 0.001, max: 200_000, noNaN: true }), { minLength: 1, maxLength: 300 });
  const shares = fc.constantFrom(0.5, 0.9, 0.99, 1);
  fc.assert(
    fc.property(latencies, shares, (list, share) => {
      const histogram = new LatencyHistogram();
      for (const latencyMs of list) histogram.add(latencyMs);
      const sorted = list.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * list.length) - 1]!;
      const got = histogram.quantileMs(share);
      assert.ok(got >= exact * 0.999 && got <= exact * 1.03, `${got} for ${exact}`);
      assert.ok(got <= sorted.at(-1)!);
    }),
  );
});

test("latency: an empty histogram is all zeros", () => {
  const empty = { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 };
  assert.deepEqual(new LatencyHistogram().summary(), empty);
});

test("latency: what is beyond the scale is counted, and known by the largest", () => {
  const histogram = new LatencyHistogram();
  histogram.add(0);
  histogram.add(10_000_000);
  assert.equal(histogram.summary().maxMs, 10_000_000);
  assert.equal(histogram.summary().count, 2);
});

test("latency: what two histograms counted, merged, is what one would have counted", () => {
  const latencies = fc.array(fc.double({ min: 0.001, max: 200_000, noNaN: true }), { maxLength: 100 });
  const histogramOf = (list: readonly number[]): LatencyHistogram => {
    const histogram = new LatencyHistogram();
    for (const latencyMs of list) histogram.add(latencyMs);
    return histogram;
  };
  fc.assert(
    fc.property(latencies, latencies, (some, others) => {
      const merged = histogramOf(some);
      merged.merge(histogramOf(others).counts());
      const { meanMs, ...got } = merged.summary();
      const { meanMs: mean, ...wanted } = histogramOf([...some, ...others]).summary();
      assert.deepEqual(got, wanted);
      assert.ok(Math.abs(meanMs - mean) <= 1e-9 * mean, `${meanMs} for ${mean}`);
    }),
  );
});
