import assert from "node:assert/strict";
import test from "node:test";
import type { ReceivedRow } from "../../plan/sampling/received.ts";
import type { RegionRates } from "./region-flow.ts";
import { ITEM_CHARGE, type SamplingSettings } from "./sampling-settings.ts";
import { SamplingLeader } from "./sampling-leader.ts";

const TRACES = ["traces"] as const;
const SETTINGS: SamplingSettings = {
  classes: [{ name: "rest", priority: "normal", rate: 1, signals: TRACES }],
  ceilings: [],
  budgets: [
    { name: "adaptive", signals: TRACES, allowedPerSecond: 100, minRate: 0.0001, maxRate: 1, charge: ITEM_CHARGE },
  ],
};
const STEP_MS = 5_000;
const VALID_MS = 300_000;

function rowsOf(region: string, items: number): ReceivedRow[] {
  return [{ signal: "traces", class: "rest", region, arrival: 1, items, bytes: 0, traces: items }];
}

function ratesOf(region: string, seq: number, items: number, smooth = items): RegionRates {
  const [latest, before] = [rowsOf(region, items), rowsOf(region, smooth)];
  return { seq, latest, smooth: before, collectors: 4, isLearning: false };
}

function rateOf(leader: SamplingLeader, nowMs: number): number {
  return leader.step(SETTINGS, nowMs).composition.rates[0]!.probability;
}

test("leader: down at once, up by half at most, and not for little", () => {
  const leader = new SamplingLeader();
  leader.hear("west", ratesOf("west", 1, 1_000), 0);
  assert.equal(rateOf(leader, 0), 0.1);
  leader.hear("west", ratesOf("west", 2, 10_000), STEP_MS);
  assert.equal(rateOf(leader, STEP_MS), 0.01);
  leader.hear("west", ratesOf("west", 3, 1_000), 2 * STEP_MS);
  assert.equal(rateOf(leader, 2 * STEP_MS), 0.015);
  assert.equal(rateOf(leader, 2 * STEP_MS + 1), 0.015 * 1.5 ** (1 / STEP_MS));
});

test("leader: of what comes now and what came lately the larger one counts", () => {
  const leader = new SamplingLeader();
  leader.hear("west", ratesOf("west", 1, 1_000, 4_000), 0);
  assert.equal(rateOf(leader, 0), 0.025);
});

test("leader: nothing is published before anybody is known, and a controller that learns is not listened to", () => {
  const leader = new SamplingLeader();
  assert.equal(leader.step(SETTINGS, 0).directive, undefined);
  leader.hear("west", { ...ratesOf("west", 1, 0), isLearning: true }, 0);
  assert.equal(leader.step(SETTINGS, STEP_MS).directive, undefined);
  leader.hear("west", ratesOf("west", 2, 1_000), STEP_MS);
  leader.hear("west", { ...ratesOf("west", 3, 5), isLearning: true }, 2 * STEP_MS);
  leader.hear("west", ratesOf("west", 1, 5), 2 * STEP_MS);
  const { directive } = leader.step(SETTINGS, 2 * STEP_MS);
  assert.deepEqual(directive?.summaries, { west: 2 });
  assert.equal(directive.equalShare, 25);
});

test("leader: a directive is published for other rates, for regions that receive otherwise, and each 15 s", () => {
  const leader = new SamplingLeader();
  const at = (nowMs: number, west: number, east: number): boolean => {
    leader.hear("west", ratesOf("west", nowMs, west), nowMs);
    leader.hear("east", ratesOf("east", nowMs, east), nowMs);
    return leader.step(SETTINGS, nowMs).directive !== undefined;
  };
  assert.equal(at(0, 500, 500), true);
  assert.equal(at(STEP_MS, 505, 500), false);
  // The sum is the same, so the rates are: nodes must know that what comes to them is foreseen.
  assert.equal(at(2 * STEP_MS, 300, 700), true);
  assert.equal(at(3 * STEP_MS, 300, 700), false);
  assert.equal(at(5 * STEP_MS, 300, 700), true);
});

test("leader: a silent region keeps its part while its directive may be in force, and loses it by and by", () => {
  const leader = new SamplingLeader({ validForMs: VALID_MS });
  leader.hear("west", ratesOf("west", 1, 1_000), 0);
  leader.hear("east", ratesOf("east", 1, 1_000), 0);
  let rate = 0;
  for (let nowMs = 0; nowMs <= VALID_MS; nowMs += STEP_MS) {
    leader.hear("west", ratesOf("west", 2 + nowMs, 1_000), nowMs);
    rate = rateOf(leader, nowMs);
  }
  assert.equal(rate, 0.05);
  for (let nowMs = VALID_MS; nowMs <= VALID_MS + 10 * STEP_MS; nowMs += STEP_MS) {
    leader.hear("west", ratesOf("west", 2 + nowMs, 1_000), nowMs);
    rate = rateOf(leader, nowMs);
  }
  const east = 1_000 * 0.9 ** 10;
  assert.ok(Math.abs(rate / (100 / (1_000 + east)) - 1) <= 0.02, `${rate}`);
});

test("leader: the next one goes on from what the last one published", () => {
  const first = new SamplingLeader();
  first.hear("west", ratesOf("west", 1, 10_000), 0);
  const last = JSON.parse(JSON.stringify(first.step(SETTINGS, 0).directive));
  const next = new SamplingLeader({ last });
  next.hear("west", ratesOf("west", 1, 10_000), 0);
  assert.equal(rateOf(next, 0), 0.01);
  next.hear("west", ratesOf("west", 2, 100), STEP_MS);
  assert.equal(rateOf(next, STEP_MS), 0.015);
});
