import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { initialWindow, stepWindow, type Window } from "./window.ts";

/** `count` successes one after the other, each `latencyMs` long. */
function succeed(window: Window, count: number, wanted: boolean, latencyMs = 1, limit = 64): Window {
  let now = window;
  for (let i = 0; i < count; i++) {
    const nowMs = 1_000 + i * latencyMs;
    now = stepWindow(now, { kind: "success", sentMs: nowMs - latencyMs, wanted }, nowMs, limit);
  }
  return now;
}

test("the window starts at 4, or at its limit when that is lower", () => {
  assert.equal(initialWindow(64).size, 4);
  assert.equal(initialWindow(2).size, 2);
});

test("a window of successes makes it grow by one, up to the limit", () => {
  const grown = succeed(initialWindow(64), 4, true);
  assert.equal(grown.size, 5);
  assert.equal(succeed(grown, 5, true).size, 6);
  assert.equal(succeed(grown, 1_000, true, 1, 8).size, 8);
});

test("successes that nobody waits behind do not make it grow", () => {
  assert.equal(succeed(initialWindow(64), 100, false).size, 4);
});

test("overload takes it down by 0.7, once for all that were under way together", () => {
  const big = { ...initialWindow(64), size: 20 };
  const once = stepWindow(big, { kind: "overload", sentMs: 10 }, 100, 64);
  assert.equal(once.size, 14);
  assert.equal(stepWindow(once, { kind: "overload", sentMs: 100 }, 110, 64).size, 14);
  assert.ok(Math.abs(stepWindow(once, { kind: "overload", sentMs: 101 }, 120, 64).size - 9.8) < 1e-9);
});

test("a target that hangs ends at 1", () => {
  let window: Window = { ...initialWindow(64), size: 64 };
  for (let nowMs = 0; nowMs < 200_000; nowMs += 10_000) {
    window = stepWindow(window, { kind: "overload", sentMs: nowMs + 1 }, nowMs + 10_000, 64);
  }
  assert.equal(window.size, 1);
});

test("latency that doubles makes it shrink, and a new steady latency lets it grow again", () => {
  const steady = succeed(initialWindow(64), 200, true, 10);
  const slowed = succeed(steady, 20, true, 60);
  assert.ok(slowed.size < steady.size, `${slowed.size} < ${steady.size}`);
  const settled = succeed(slowed, 300, true, 60);
  assert.ok(settled.size > slowed.size, `${settled.size} > ${slowed.size}`);
});

test("latency below the noise of an event loop does not count", () => {
  const steady = succeed(initialWindow(64), 200, false, 0.5);
  assert.equal(succeed(steady, 5, false, 4).size, steady.size);
});

test("a lower limit holds at the next outcome", () => {
  const big = { ...initialWindow(64), size: 60 };
  assert.equal(stepWindow(big, { kind: "success", sentMs: 0, wanted: false }, 1, 8).size, 8);
  assert.equal(stepWindow({ ...big, shrunkMs: 5 }, { kind: "overload", sentMs: 0 }, 6, 8).size, 8);
});

const anEvent = fc.record({
  kind: fc.constantFrom("success", "overload"),
  tookMs: fc.integer({ min: 0, max: 20_000 }),
  wanted: fc.boolean(),
});

test("window: any order of events keeps it within 1 and the limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(anEvent, { maxLength: 300 }), (limit, events) => {
      let window = initialWindow(limit);
      let nowMs = 0;
      for (const { kind, tookMs, wanted } of events) {
        nowMs += 7;
        window = stepWindow(window, { kind, sentMs: nowMs - tookMs, wanted }, nowMs, limit);
        assert.ok(window.size >= 1 && window.size <= limit, `${window.size} of ${limit}`);
      }
    }),
  );
});
