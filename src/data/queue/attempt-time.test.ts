import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attemptTime, cutMs } from "./attempt-time.ts";

const cuts = [
  { name: "half of the time", leftMs: 4_500, latencyMs: 20, want: 2_250 },
  { name: "three times the latency where that is more", leftMs: 4_500, latencyMs: 1_000, want: 3_000 },
  { name: "not at all where the rest is less than the latency", leftMs: 4_500, latencyMs: 1_200, want: Infinity },
  { name: "a quarter of a second at least", leftMs: 400, latencyMs: 2, want: 250 },
  { name: "not at all in so short a time", leftMs: 300, latencyMs: 2, want: Infinity },
  { name: "a second at least while nothing is known of the target", leftMs: 1_500, latencyMs: 0, want: 1_000 },
  { name: "not at all while nothing is known, in a second", leftMs: 1_050, latencyMs: 0, want: Infinity },
  { name: "half of the time while nothing is known", leftMs: 9_000, latencyMs: 0, want: 4_500 },
  { name: "in whole milliseconds", leftMs: 4_501, latencyMs: 20, want: 2_251 },
  { name: "not at all when nobody waits", leftMs: Infinity, latencyMs: 20, want: Infinity },
  { name: "not at all when it is too late", leftMs: -5, latencyMs: 20, want: Infinity },
] as const;
for (const { name, leftMs, latencyMs, want } of cuts) {
  test(`an attempt is cut after ${name}`, () => {
    assert.equal(cutMs(leftMs, latencyMs), want);
  });
}

test("an attempt is never cut before three latencies, and never without time for another", () => {
  const ms = fc.double({ min: 0, max: 60_000, noNaN: true });
  fc.assert(
    fc.property(ms, ms, (leftMs, latencyMs) => {
      const cut = cutMs(leftMs, latencyMs);
      if (cut === Infinity) return;
      assert.ok(cut >= 3 * latencyMs && cut >= leftMs / 2);
      assert.ok(leftMs - cut > 98 && leftMs - cut > latencyMs - 2, `${leftMs - cut} ms are left`);
    }),
  );
});

const times = [
  { name: "the target's timeout", timeoutMs: 5_000, leftMs: 9_000, cut: Infinity, want: [5_000, false] },
  { name: "the time until nobody waits", timeoutMs: 5_000, leftMs: 4_499.5, cut: Infinity, want: [4_501, false] },
  { name: "the timeout when nobody waits", timeoutMs: 5_000, leftMs: Infinity, cut: Infinity, want: [5_000, false] },
  { name: "less where another is to be tried", timeoutMs: 5_000, leftMs: 4_500, cut: 2_250, want: [2_250, true] },
  { name: "the timeout that is over before", timeoutMs: 1_000, leftMs: 4_500, cut: 2_250, want: [1_000, false] },
] as const;
for (const { name, timeoutMs, leftMs, cut, want } of times) {
  test(`an attempt takes ${name}`, () => {
    const time = attemptTime(timeoutMs, leftMs, cut);
    assert.deepEqual([time.timeoutMs, time.cut], want);
  });
}
