import assert from "node:assert/strict";
import test from "node:test";
import type { SampledSignal, SamplingStrategyDocument } from "../../config/schema/sampling.ts";
import { samplingSettings, strategyNames, type WrittenSampling } from "./settings-from.ts";

const signals: SampledSignal[] = ["traces"];
const ADAPTIVE: SamplingStrategyDocument = {
  type: "adaptive",
  signals,
  min_rate: 0.01,
  max_rate: 0.5,
  target_qps: 1_000,
  unit: "bytes",
};
const COST: SamplingStrategyDocument = {
  type: "cost_based",
  signals,
  budget_per_hour: 36,
  cost_per_span: 0.1,
  cost_per_byte: 0.2,
  min_rate: 0,
};
const WRITTEN: WrittenSampling = {
  classes: [{ name: "high", priority: "high", ceiling: 0.9, signals }],
  strategies: [{ type: "priority_based", signals }, ADAPTIVE, COST, { type: "fixed", signals, rate: 0.7 }, ADAPTIVE],
  regionRates: { west: 0.1 },
  signals,
};

test("settings: ceilings are those of regions and of fixed strategies", () => {
  const { ceilings, classes } = samplingSettings(WRITTEN);
  assert.deepEqual(ceilings, [
    { reason: "region", rate: 0.1, region: "west", signals },
    { reason: "fixed", rate: 0.7, signals },
  ]);
  assert.deepEqual(classes, [{ name: "high", priority: "high", rate: 0.9, signals }]);
});

test("settings: budgets have the names of their strategies, their bounds and what they are charged by", () => {
  const { budgets } = samplingSettings(WRITTEN, { paces: new Map([["cost_based", 0.02]]) });
  assert.deepEqual(
    budgets.map(({ name, allowedPerSecond, minRate, maxRate }) => [name, allowedPerSecond, minRate, maxRate]),
    [
      ["adaptive", 1_000, 0.01, 0.5],
      ["cost_based", 0.02, 0, 1],
      ["adaptive-2", 1_000, 0.01, 0.5],
    ],
  );
  assert.deepEqual(budgets[0]!.charge, { item: 0, byte: 1, trace: 0, isPerCopy: false });
  assert.deepEqual(budgets[1]!.charge, { item: 0.1, byte: 0.2, trace: 0, isPerCopy: true });
  assert.equal(samplingSettings(WRITTEN).budgets[1]!.allowedPerSecond, 0.01);
  assert.deepEqual(strategyNames(WRITTEN.strategies)[4], "adaptive-2");
});
