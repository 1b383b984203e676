import assert from "node:assert/strict";
import { test } from "node:test";
import { retryDelayMs } from "./retry-delay.ts";

const cases = [
  { waitMs: 0, least: 500, most: 1_000 },
  { waitMs: 5_000, least: 5_000, most: 10_000 },
  { waitMs: 86_400_000, least: 30_000, most: 60_000 },
  { waitMs: Number.POSITIVE_INFINITY, least: 30_000, most: 60_000 },
];
for (const { waitMs, least, most } of cases) {
  test(`retry delay: who has to wait ${waitMs} ms is told ${least} to ${most}`, () => {
    assert.deepEqual([retryDelayMs(waitMs, { next: () => 0 }), retryDelayMs(waitMs, { next: () => 1 })], [least, most]);
  });
}
