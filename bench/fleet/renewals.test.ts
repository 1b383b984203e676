import assert from "node:assert/strict";
import { test } from "node:test";
import { linesOf, renewalsIn } from "./renewals.ts";

test("bench fleet: a renewal that left 8.5 s of 15 s was not late, and the latest of those that are new is told", () => {
  const text = "100\n8500\n8499.5\n7250\n8501\n";
  assert.equal(linesOf(text).length, 5);
  assert.deepEqual(renewalsIn(text, 0), { count: 5, longestDelayMs: 8_400 });
  assert.deepEqual(renewalsIn(text, 1), { count: 4, longestDelayMs: 1_250 });
  assert.deepEqual(renewalsIn(text, 5), { count: 0, longestDelayMs: 0 });
  assert.deepEqual(renewalsIn("", 0), { count: 0, longestDelayMs: 0 });
});
