import assert from "node:assert/strict";
import { test } from "node:test";
import { parseGoDuration } from "./go-duration.ts";

const CASES = [
  ["10s", 10_000],
  ["15000ms", 15_000],
  ["1m30s", 90_000],
  ["24h0m0s", 86_400_000],
  ["1.5s", 1_500],
  ["", undefined],
  ["10", undefined],
  ["ten seconds", undefined],
] as const;
for (const [text, want] of CASES) {
  test(`go duration: ${JSON.stringify(text)} is ${want} ms`, () => assert.equal(parseGoDuration(text), want));
}
