import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTimeout, parseTimeout } from "./timeout.ts";

test("a timeout that was formatted is never shorter when parsed, and longer by less than a second", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 9e10, noNaN: true }), (timeoutMs) => {
      const parsed = parseTimeout(formatTimeout(timeoutMs));
      assert.ok(parsed !== undefined && parsed >= timeoutMs && parsed - timeoutMs <= (timeoutMs < 9.9e7 ? 1 : 1_001));
    }),
  );
});

const FORMATTED: readonly (readonly [number, string])[] = [
  [0, "1m"],
  [-5, "1m"],
  [0.2, "1m"],
  [10_000, "10000m"],
  [99_999_999, "99999999m"],
  [100_000_000, "100000S"],
  [1e15, "99999999S"],
];
for (const [timeoutMs, want] of FORMATTED) {
  test(`${timeoutMs} ms is written as ${want}`, () => assert.equal(formatTimeout(timeoutMs), want));
}
