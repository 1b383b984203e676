import assert from "node:assert/strict";
import { test } from "node:test";
import { topologyTotals } from "./totals.ts";

const busy = {
  items_per_second: 900,
  bytes_per_second: 9_000,
  failed_items_per_second: 90,
  sampled_items_per_second: 450,
  latency_weight: 900 * 10,
};
const idle = {
  items_per_second: 100,
  bytes_per_second: 500,
  failed_items_per_second: 0,
  sampled_items_per_second: 100,
  latency_weight: 100 * 110,
};

test("totals: averages are of items, not of collectors", () => {
  assert.deepEqual(topologyTotals([busy, idle]), {
    items: 1_000,
    bytes: 9_500,
    latency_ms: 20,
    error_rate: 0.09,
    sampling_rate: 0.55,
  });
});

test("totals: of nothing there is no average", () => {
  assert.deepEqual(topologyTotals([]), { items: 0, bytes: 0, latency_ms: 0, error_rate: 0, sampling_rate: 1 });
});
