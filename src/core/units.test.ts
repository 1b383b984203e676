import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatDuration, formatSize, parseDuration, parseSize } from "./units.ts";

const durations = [
  ["100ms", 100],
  ["10s", 10_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["2d", 172_800_000],
  ["0s", 0],
  ["10", undefined],
  ["10 s", undefined],
  ["-1s", undefined],
  ["1.s", undefined],
  ["s", undefined],
  ["", undefined],
] as const;
for (const [text, want] of durations) {
  test(`duration: "${text}" is ${want ?? "none"}`, () => assert.equal(parseDuration(text), want));
}

const sizes = [
  ["64MiB", 67_108_864],
  ["20GiB", 21_474_836_480],
  ["1KB", 1_000],
  ["1.5 KiB", 1_536],
  ["7B", 7],
  ["64", undefined],
  ["64M", undefined],
  ["64mib", undefined],
  ["-1B", undefined],
] as const;
for (const [text, want] of sizes) {
  test(`size: "${text}" is ${want ?? "none"}`, () => assert.equal(parseSize(text), want));
}

test("units: what is formatted parses back to the same number", () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (amount) => {
      assert.equal(parseDuration(formatDuration(amount)), amount);
      assert.equal(parseSize(formatSize(amount)), amount);
    }),
  );
});
