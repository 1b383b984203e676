import assert from "node:assert/strict";
import { test } from "node:test";
import type { SamplingClass } from "../../plan/sampling-plan.ts";
import type { ClassRate } from "../../plan/sampling/class-rate.ts";
import { SourceRates, type SourceSettings } from "./source-rates.ts";

const CLASSES: readonly SamplingClass[] = [
  { name: "high", priority: "high", ceiling: 1, from: "priority_based", signals: ["traces"] },
  { name: "normal", priority: "normal", ceiling: 1, from: "sampling_rate", signals: ["traces", "logs"] },
];
const SETTINGS: SourceSettings = {
  sampling: { randomness: "hash", dry_run: false, polling_interval: 60_000 },
  classes: CLASSES,
  ceilings: [],
};
const HOUR_MS = 3_600_000;

function decided(probability: number): ClassRate[] {
  return [
    { signal: "traces", class: "high", probability: 1, reason: "protected" },
    { signal: "traces", class: "normal", probability, reason: "budget", by: "adaptive" },
    { signal: "traces", class: "normal", region: "eu", probability: 0.1, reason: "region" },
    { signal: "logs", class: "normal", probability, reason: "budget", by: "adaptive" },
  ];
}

/** Of each row, once it was so for 10 s. */
function toldBy(rates: SourceRates, probability: number, nowMs: number, settings = SETTINGS): (number | undefined)[] {
  rates.tell(decided(probability), settings, nowMs - 10_000);
  return rates.tell(decided(probability), settings, nowMs).map(({ source }) => source?.rate);
}

test("source rates: each class of traces, and each region with a rate of its own, is told what it is to send", () => {
  assert.deepEqual(toldBy(new SourceRates(), 0.05, 0), [1, 1 / 8, 0.25, undefined]);
});

test("source rates: the next leader goes on from what was told, and changes it after two intervals at the earliest", () => {
  const first = new SourceRates();
  toldBy(first, 0.05, 0);
  const next = new SourceRates(first.tell(decided(0.05), SETTINGS, 1_000));
  assert.deepEqual(toldBy(next, 0.4, 5 * HOUR_MS), [1, 1 / 8, 0.25, undefined]);
  assert.deepEqual(toldBy(next, 0.04, 5 * HOUR_MS + 100_000), [1, 1 / 8, 0.25, undefined]);
  assert.deepEqual(toldBy(next, 0.04, 5 * HOUR_MS + 121_000), [1, 1 / 64, 0.25, undefined]);
});

test("source rates: what the settings let routers keep is what the rate is a part of", () => {
  const ceilings: ClassRate[] = [{ signal: "traces", class: "normal", probability: 0.4, reason: "class" }];
  assert.deepEqual(toldBy(new SourceRates(), 0.05, 0, { ...SETTINGS, ceilings }), [1, 0.25, 0.25, undefined]);
});

test("source rates: where sources are told nothing there is nothing to tell, and what was told is over", () => {
  const rates = new SourceRates();
  assert.equal(toldBy(rates, 0.05, 0)[1], 1 / 8);
  for (const sampling of [
    { ...SETTINGS.sampling, randomness: "trace_id" as const },
    { ...SETTINGS.sampling, dry_run: true },
  ]) {
    assert.deepEqual(toldBy(rates, 0.4, HOUR_MS, { ...SETTINGS, sampling }), [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  }
  assert.equal(toldBy(rates, 0.4, 2 * HOUR_MS)[1], 1);
});

test("source rates: another interval changes nothing of what was told before two of them are over", () => {
  const rates = new SourceRates();
  assert.equal(toldBy(rates, 0.05, 0)[1], 1 / 8);
  const sampling = { ...SETTINGS.sampling, polling_interval: 10_000 };
  assert.equal(toldBy(rates, 0.04, HOUR_MS, { ...SETTINGS, sampling })[1], 1 / 8);
  assert.equal(toldBy(rates, 0.04, HOUR_MS + 71_000, { ...SETTINGS, sampling })[1], 1 / 64);
});
