import assert from "node:assert/strict";
import test from "node:test";
import { stepRate } from "./rate-step.ts";

const cases = [
  { name: "down at once", before: 0.5, wanted: 0.01, sinceMs: 5_000, next: 0.01 },
  { name: "up by half a step", before: 0.1, wanted: 1, sinceMs: 5_000, next: 0.15 },
  { name: "up by no more after a long time", before: 0.1, wanted: 1, sinceMs: 60_000, next: 0.15 },
  { name: "up by little soon after the last step", before: 0.1, wanted: 1, sinceMs: 0, next: 0.1 },
  { name: "not at all for 1 %", before: 0.1, wanted: 0.1009, sinceMs: 5_000, next: 0.1 },
  { name: "not at all for 1 % less", before: 0.1, wanted: 0.0991, sinceMs: 5_000, next: 0.1 },
  { name: "to what is wanted within a step", before: 0.1, wanted: 0.12, sinceMs: 5_000, next: 0.12 },
  { name: "anywhere at first", before: undefined, wanted: 0.7, sinceMs: 5_000, next: 0.7 },
];

for (const { name, before, wanted, sinceMs, next } of cases) {
  test(`rate step: ${name}`, () => {
    assert.ok(Math.abs(stepRate(before, wanted, sinceMs) - next) < 1e-12);
  });
}
