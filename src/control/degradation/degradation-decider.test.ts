import assert from "node:assert/strict";
import test from "node:test";
import { DegradationDecider, type DegradationInput } from "./degradation-decider.ts";
import { fromDirective, toDirective } from "./degradation-directive.ts";
import { degradationFrom, type DegradationSettings } from "./fleet-degradation.ts";

const SETTINGS: DegradationSettings = {
  threshold: 0.8,
  recoveryThreshold: 0.6,
  minDwellMs: 30_000,
  isPredictive: false,
};
const STEP_MS = 5_000;

/** A fleet of which keeping an item costs so many times what receiving one does. */
class Scene {
  readonly decider: DegradationDecider;
  nowMs = 0;
  received = 1_000;
  readonly #cost: number;
  readonly #settings: DegradationSettings;

  constructor(cost: number, settings = SETTINGS, decider = new DegradationDecider(settings, 0)) {
    this.#cost = cost;
    this.#settings = settings;
    this.decider = decider;
  }

  /** Load is 0.9 at 1,000 items of which half are kept. */
  reading(forecast?: number): DegradationInput {
    const kept = this.decider.state.isDegraded ? 0.01 * this.received : 0.5 * this.received;
    const load = Math.min(1, (0.9 * (this.received + this.#cost * kept)) / (1_000 + this.#cost * 500));
    return { load, worst: { id: "n7", load }, receivedPerSecond: this.received, keptPerSecond: kept, forecast };
  }

  /** How often it changed meanwhile. */
  run(ms: number, forecast?: number): number {
    let changes = 0;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += STEP_MS;
      const before = this.decider.state.isDegraded;
      const { isDegraded } = this.decider.step(this.reading(forecast), this.#settings, this.nowMs);
      changes += isDegraded === before ? 0 : 1;
    }
    return changes;
  }
}

test("fleet: begins when the load has lasted, not for a moment of it", () => {
  const scene = new Scene(3);
  const calm: DegradationInput = { ...scene.reading(), load: 0.3 };
  for (let i = 1; i <= 20; i++) {
    scene.decider.step(i % 4 === 0 ? { ...calm, load: 1 } : calm, SETTINGS, i * 1_000);
    assert.equal(scene.decider.state.isDegraded, false);
  }
  scene.nowMs = 20_000;
  scene.run(30_000);
  assert.equal(scene.decider.state.isDegraded, true);
  assert.ok(scene.decider.state.sinceMs > 20_000 + STEP_MS);
});

for (const cost of [1, 3, 10]) {
  test(`fleet: a constant load that drops when much is given up does not flip it; keeping costs ${cost} times receiving`, () => {
    const scene = new Scene(cost);
    assert.ok(scene.run(3_600_000) <= 3, "an hour");
    assert.equal(scene.decider.state.isDegraded, true);
    scene.received = 300;
    scene.run(900_000);
    assert.equal(scene.decider.state.isDegraded, false, "the load itself is less");
  });
}

test("fleet: a load that was cut off at all there is teaches nothing of what keeping costs", () => {
  const scene = new Scene(3);
  scene.received = 2_500;
  scene.run(600_000);
  scene.received = 1_000;
  assert.equal(scene.run(600_000), 0);
  assert.equal(scene.decider.state.isDegraded, true);
});

test("fleet: who goes on from another believes what it left, and takes nothing back before it knows better", () => {
  const left = { ...degradationFrom(0, SETTINGS), isDegraded: true, untilMs: 10_000 };
  const scene = new Scene(3, SETTINGS, new DegradationDecider(SETTINGS, 0, left));
  assert.equal(scene.run(120_000), 0);
  assert.equal(scene.decider.state.isDegraded, true);
});

test("fleet: a forecast begins it, where that is asked for", () => {
  const predictive = { ...SETTINGS, isPredictive: true };
  for (const [settings, want] of [
    [SETTINGS, false],
    [predictive, true],
  ] as const) {
    const scene = new Scene(3, settings);
    scene.received = 500;
    scene.run(60_000, 0.9);
    assert.equal(scene.decider.state.isDegraded, want);
  }
});

test("fleet: a leader that begins in the middle ends it when the one before would have", () => {
  const load = (received: number, kept: number): DegradationInput => {
    const now = (0.5 * (received + 3 * kept)) / 1_300;
    return { load: now, worst: undefined, receivedPerSecond: received, keptPerSecond: kept, forecast: undefined };
  };
  const decider = new DegradationDecider(SETTINGS, 0);
  let nowMs = 0;
  const run = (of: DegradationDecider, reading: DegradationInput): void => {
    for (let i = 0; i < 24; i++) of.step(reading, SETTINGS, (nowMs += STEP_MS));
  };
  run(decider, load(1_000, 100)); // a tenth is kept as ever
  run(decider, load(2_400, 240));
  assert.equal(decider.state.isDegraded, true);
  const at = { nowMs, wallMs: 1e12 };
  const next = new DegradationDecider(SETTINGS, nowMs, fromDirective(toDirective(decider.state, 0.01, at), at));
  run(next, load(2_400, 24));
  assert.equal(next.state.isDegraded, true);
  run(next, load(1_000, 10));
  assert.equal(next.state.isDegraded, false);
  // What is kept changes at all times: while nothing is given up, nothing is written of it.
  assert.equal(toDirective(next.state, 0.01, at).kept_before, undefined);
});
