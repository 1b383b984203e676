import assert from "node:assert/strict";
import test from "node:test";
import {
  degradationFrom,
  type DegradationReading,
  type DegradationSettings,
  fleetLoad,
  orderDegradation,
  stepDegradation,
} from "./fleet-degradation.ts";
import { learntCost, projectedLoad } from "./projected-load.ts";

const SETTINGS: DegradationSettings = {
  threshold: 0.8,
  recoveryThreshold: 0.6,
  minDwellMs: 30_000,
  isPredictive: false,
};

function reading(load: number, more: Partial<DegradationReading> = {}): DegradationReading {
  return { load, worst: { id: "n7", load }, projected: load, forecast: undefined, ...more };
}

test("degradation: the load of a fleet is the mean by capacity, and the worst node is named", () => {
  const nodes = [
    { id: "small", capacity: 1, load: 1 },
    { id: "large", capacity: 3, load: 0.6 },
  ];
  assert.deepEqual(fleetLoad(nodes), { load: 0.7, worst: { id: "small", load: 1 } });
  assert.deepEqual(fleetLoad([]), { load: 0, worst: undefined });
});

test("degradation: begins above the threshold, says why, and ends below the recovery threshold after its dwell", () => {
  let state = stepDegradation(degradationFrom(0, SETTINGS), reading(0.8), SETTINGS, 1_000);
  assert.equal(state.isDegraded, false);
  state = stepDegradation(state, reading(0.81), SETTINGS, 2_000);
  assert.deepEqual(state.reason, { kind: "load", load: 0.81, node: "n7" });
  assert.equal(state.untilMs, 32_000);
  state = stepDegradation(state, reading(0.1), SETTINGS, 31_000);
  assert.equal(state.isDegraded, true);
  state = stepDegradation(state, reading(0.6), SETTINGS, 33_000);
  assert.equal(state.isDegraded, true);
  state = stepDegradation(state, reading(0.59), SETTINGS, 34_000);
  assert.deepEqual([state.isDegraded, state.reason.kind], [false, "none"]);
});

interface FlipOptions {
  /** What an item costs to keep, beside receiving it. */
  readonly cost: number;
  /** What is believed of that; undefined: it is left by the load itself. */
  readonly believed: number | undefined;
  readonly hours?: number;
}

/** A load that is 0.9 all the time and much less while degraded. */
function flips({ cost, believed, hours = 1 }: FlipOptions): number {
  let state = degradationFrom(0, SETTINGS);
  let count = 0;
  for (let nowMs = 0; nowMs < hours * 3_600_000; nowMs += 5_000) {
    const wouldKeepPerSecond = 500;
    const keptPerSecond = state.isDegraded ? 20 : wouldKeepPerSecond;
    const load = (0.9 * (1_000 + cost * keptPerSecond)) / (1_000 + cost * wouldKeepPerSecond);
    const work = { load, receivedPerSecond: 1_000, keptPerSecond, wouldKeepPerSecond };
    const projected = believed === undefined ? load : projectedLoad(work, believed);
    const next = stepDegradation(state, reading(load, { projected }), SETTINGS, nowMs);
    count += next.isDegraded === state.isDegraded ? 0 : 1;
    state = next;
  }
  return count;
}

test("degradation: a constant load that is low only while degraded does not flip it", () => {
  assert.equal(flips({ cost: 3, believed: 3 }), 1);
  assert.equal(flips({ cost: 3, believed: 2 }), 1);
  assert.equal(flips({ cost: 10, believed: 10 }), 1);
});

test("degradation: if keeping is believed to cost nothing, the dwell doubles up to 10 minutes, so that it seldom flips", () => {
  const all = flips({ cost: 10, believed: undefined });
  assert.ok(all > 3 && all <= 20, `${all}`);
  // The same law without the doubling: 30 s and a step, over and over.
  assert.ok(flips({ cost: 10, believed: undefined, hours: 3 }) - all <= 26);
});

test("degradation: what keeping costs is learnt from what giving it up did", () => {
  const at = (keptPerSecond: number, receivedPerSecond = 1_000): { load: number } & Record<string, number> => ({
    load: (receivedPerSecond + 7 * keptPerSecond) / 9_000,
    receivedPerSecond,
    keptPerSecond,
  });
  const learnt = learntCost({ before: at(500) as never, after: at(20, 1_100) as never });
  assert.ok(learnt !== undefined && Math.abs(learnt - 7) < 1e-9, `${learnt}`);
  assert.equal(learntCost({ before: at(500) as never, after: at(500) as never }), undefined);
});

test("degradation: a dwell begins anew once it has been away for 10 minutes", () => {
  let state = stepDegradation(degradationFrom(0, SETTINGS), reading(0.9), SETTINGS, 0);
  state = stepDegradation(state, reading(0.1), SETTINGS, 30_000);
  state = stepDegradation(state, reading(0.9), SETTINGS, 40_000);
  assert.equal(state.dwellMs, 60_000);
  state = stepDegradation(state, reading(0.1), SETTINGS, 100_000);
  state = stepDegradation(state, reading(0.9), SETTINGS, 700_001);
  assert.equal(state.dwellMs, 30_000);
});

test("degradation: a forecast begins it early when asked to, and never ends it", () => {
  const settings = { ...SETTINGS, isPredictive: true };
  const start = degradationFrom(0, settings);
  assert.equal(stepDegradation(start, reading(0.5, { forecast: 0.9 }), SETTINGS, 0).isDegraded, false);
  let state = stepDegradation(start, reading(0.5, { forecast: 0.9 }), settings, 0);
  assert.deepEqual(state.reason, { kind: "forecast", load: 0.9, node: "n7" });
  state = stepDegradation(state, reading(0.5, { forecast: 0.9 }), settings, 60_000);
  assert.equal(state.isDegraded, true);
  const loaded = stepDegradation(start, reading(0.9), settings, 0);
  assert.equal(stepDegradation(loaded, reading(0.9, { forecast: 0.1 }), settings, 60_000).isDegraded, true);
  assert.equal(stepDegradation(state, reading(0.5, { forecast: 0.5 }), settings, 61_000).isDegraded, false);
});

test("degradation: somebody's order holds until its time is over, whatever the load says", () => {
  const manual = { isDegraded: true, untilMs: 100_000, note: "a test of the disaster plan" };
  let state = stepDegradation(orderDegradation(degradationFrom(0, SETTINGS), manual), reading(0.1), SETTINGS, 1_000);
  assert.deepEqual([state.isDegraded, state.reason.kind, state.untilMs], [true, "manual", 100_000]);
  const ended = stepDegradation(orderDegradation(state, undefined), reading(0.1), SETTINGS, 2_000);
  assert.equal(ended.isDegraded, false);
  state = stepDegradation(state, reading(0.1), SETTINGS, 100_000);
  assert.deepEqual([state.isDegraded, state.manual], [false, undefined]);
  const kept = orderDegradation(state, { isDegraded: false, untilMs: 200_000, note: "all hands are here" });
  assert.equal(stepDegradation(kept, reading(2), SETTINGS, 150_000).isDegraded, false);
  assert.equal(stepDegradation(kept, reading(2), SETTINGS, 200_000).reason.kind, "load");
});

test("degradation: what was only ordered ends with the order, unless the load itself would begin it", () => {
  const manual = { isDegraded: true, untilMs: 100_000, note: "a trial" };
  const between = reading(0.3, { projected: 0.7 });
  const ordered = stepDegradation(orderDegradation(degradationFrom(0, SETTINGS), manual), between, SETTINGS, 1_000);
  for (const [state, atMs] of [
    [ordered, 100_000],
    [orderDegradation(ordered, undefined), 2_000],
  ] as const) {
    assert.equal(stepDegradation(state, between, SETTINGS, atMs).isDegraded, false);
    const goesOn = stepDegradation(state, reading(0.3, { projected: 0.9 }), SETTINGS, atMs);
    assert.deepEqual([goesOn.isDegraded, goesOn.reason], [true, { kind: "load", load: 0.9, node: "n7" }]);
    assert.equal(stepDegradation(goesOn, between, SETTINGS, 200_000).isDegraded, true);
    assert.equal(stepDegradation(goesOn, reading(0.3), SETTINGS, 200_000).isDegraded, false);
  }
});
