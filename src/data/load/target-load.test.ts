import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type CallEnd, LATENCY_DECAY_MS, TargetLoad, UNKNOWN_LATENCY_MS } from "./target-load.ts";

const ANSWERED: CallEnd = { kind: "answered" };
const FAILED: CallEnd = { kind: "failed" };

/** Calls one after the other, each `tookMs` long; the time afterwards. */
function calls(load: TargetLoad, count: number, tookMs: number, from = 0, end: CallEnd = ANSWERED): number {
  let nowMs = from;
  for (let i = 0; i < count; i++) {
    const call = { items: 10, bytes: 1_000, sentMs: nowMs };
    load.sent(call.items, call.bytes, nowMs);
    nowMs += tookMs;
    load.ended(call, end, nowMs);
  }
  return nowMs;
}

test("target load: latency rises with the first slow answer and falls slowly", () => {
  const load = new TargetLoad();
  let nowMs = calls(load, 50, 10);
  assert.ok(Math.abs(load.latencyMs(nowMs) - 10) < 1);
  nowMs = calls(load, 1, 200, nowMs);
  assert.equal(load.latencyMs(nowMs), 200);
  nowMs = calls(load, 100, 10, nowMs);
  assert.ok(load.latencyMs(nowMs) > 180);
  nowMs = calls(load, 5_000, 10, nowMs);
  assert.ok(load.latencyMs(nowMs) < 15, `${load.latencyMs(nowMs)}`);
});

test("target load: what was slow and is not asked any more is forgotten, so that it is tried again", () => {
  const load = new TargetLoad();
  const nowMs = calls(load, 1, 1_000);
  assert.ok(Math.abs(load.latencyMs(nowMs + LATENCY_DECAY_MS) - 1_000 / Math.E) < 1e-6);
  assert.ok(load.latencyMs(nowMs + 10 * LATENCY_DECAY_MS) < 1);
});

test("target load: a call that hangs counts as long as it hangs", () => {
  const load = new TargetLoad();
  const nowMs = calls(load, 10, 5);
  load.sent(1, 1, nowMs);
  assert.equal(load.latencyMs(nowMs + 3_000), 3_000);
});

test("target load: nothing is known at first; with a first call under way it is taken to be slow", () => {
  const load = new TargetLoad();
  assert.equal(load.latencyMs(50), 0);
  assert.equal(load.latencyRank(50), -Infinity);
  load.sent(1, 1, 50);
  assert.equal(load.latencyMs(50), 30);
});

test("target load: a fast failure counts as a slow answer, and each further one as slower", () => {
  const load = new TargetLoad();
  let nowMs = calls(load, 10, 5);
  nowMs = calls(load, 1, 1, nowMs, FAILED);
  assert.equal(load.latencyMs(nowMs), 1_000);
  nowMs = calls(load, 1, 1, nowMs, FAILED);
  assert.ok(load.latencyMs(nowMs) > 1_990);
  nowMs = calls(load, 20, 1, nowMs, FAILED);
  assert.equal(load.latencyMs(nowMs), 10_000);
});

test("target load: throttling counts as what the target asked to wait, to a limit", () => {
  for (const [afterMs, want] of [
    [undefined, 1_000],
    [5_000, 5_000],
    [600_000, 10_000],
  ] as const) {
    const load = new TargetLoad();
    const nowMs = calls(load, 1, 1, 0, { kind: "throttled", afterMs });
    assert.equal(load.latencyMs(nowMs), want);
    assert.ok(Math.abs(load.errorRate - 0.1) < 1e-9);
  }
});

test("target load: what the sender gave up says nothing", () => {
  const load = new TargetLoad();
  const nowMs = calls(load, 5, 10);
  const before = [load.latencyMs(nowMs + 500), load.errorRate];
  calls(load, 1, 500, nowMs, { kind: "neutral" });
  assert.deepEqual([load.latencyMs(nowMs + 500), load.errorRate], before);
});

test("target load: the score is the larger one of window and report, and errors on top; both are forgotten", () => {
  const load = new TargetLoad();
  assert.equal(load.score(0, 4), 0);
  load.sent(1, 1, 0);
  assert.equal(load.score(0, 4), 0.25);
  load.report({ utilisation: 0.5 }, 0);
  assert.equal(load.score(0, 4), 0.5);
  assert.equal(load.score(30_001, 4), 0.25);
  load.ended({ items: 1, bytes: 1, sentMs: 0 }, FAILED, 0);
  assert.ok(Math.abs(load.score(0, 4) - 0.55) < 1e-9);
  assert.ok(load.score(120_000, 4) < 0.001);
});

interface Step {
  readonly start: boolean;
  readonly waitMs: number;
  readonly items: number;
  readonly end: CallEnd;
}

test("target load: in any order of calls the counts are exact, latency and score stay in their bounds, and ranks keep the order", () => {
  const anEnd = fc.constantFrom<CallEnd>(ANSWERED, FAILED, { kind: "throttled", afterMs: 400 }, { kind: "neutral" });
  const aStep = fc.record({ start: fc.boolean(), waitMs: fc.nat(2_000), items: fc.nat(100), end: anEnd });
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 100 }), (steps: readonly Step[]) => {
      const [load, other] = [new TargetLoad(), new TargetLoad()];
      calls(other, 1, 100);
      const open: { items: number; bytes: number; sentMs: number }[] = [];
      let nowMs = 100;
      for (const { start, waitMs, items, end } of steps) {
        nowMs += waitMs;
        const call = start ? undefined : open.shift();
        if (call !== undefined) load.ended(call, end, nowMs);
        else {
          open.push({ items, bytes: 2 * items, sentMs: nowMs });
          load.sent(items, 2 * items, nowMs);
        }
        const sum = open.reduce((total, one) => total + one.items, 0);
        assert.deepEqual([load.inFlight, load.inFlightItems, load.inFlightBytes], [open.length, sum, 2 * sum]);
        assert.ok(load.latencyMs(nowMs) >= 0);
        assert.ok(load.score(nowMs, 4) >= 0 && load.score(nowMs, 4) <= 1);
        const slower = load.latencyMs(nowMs) - other.latencyMs(nowMs);
        if (Math.abs(slower) > 1e-6) {
          assert.equal(load.latencyRank(nowMs) > other.latencyRank(nowMs), slower > 0);
        }
      }
    }),
  );
});

test("target load: what comes back is measured anew, and what is under way stays counted", () => {
  const load = new TargetLoad();
  calls(load, 1, 100);
  const call = { items: 3, bytes: 30, sentMs: 100 };
  load.sent(3, 30, 100);
  load.sent(3, 30, 100);
  load.ended(call, FAILED, 100);
  assert.ok(load.latencyMs(100) >= 1_000 && load.errorRate > 0);
  load.forget();
  assert.deepEqual([load.measured, load.errorRate, load.latencyMs(100)], [false, 0, UNKNOWN_LATENCY_MS]);
  assert.deepEqual([load.inFlight, load.inFlightItems, load.inFlightBytes], [1, 3, 30]);
  load.ended(call, ANSWERED, 104);
  assert.deepEqual([load.inFlight, load.latencyMs(104)], [0, 4]);
});
