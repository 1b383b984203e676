import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { figuresOf, pageRow } from "./figures.ts";
import { plotOfSeconds, plotSvg } from "./plot.ts";
import { SIM_SCENARIOS, targetOf } from "./scenarios.ts";
import { simulate } from "./simulation.ts";

interface Expected {
  readonly name: string;
  readonly upS: number;
  readonly downS: number;
  /** Of the guards' bound, the most in one second of a step up. */
  readonly ofBound: number;
}

const DOCS = new URL("../../docs/", import.meta.url);
const PAGE = readFileSync(new URL("sampling.md", DOCS), "utf8");
const PLOT = readFileSync(new URL("sampling-step.svg", DOCS), "utf8");

/** Seeds make each of them the same every time. */
const expected: readonly Expected[] = [
  { name: "step of 5, ten collectors, skew 10:1", upS: 10, downS: 75, ofBound: 1 },
  { name: "step of 50", upS: 10, downS: 110, ofBound: 1.15 },
  { name: "one collector", upS: 10, downS: 75, ofBound: 1.05 },
  { name: "arrivals already thinned", upS: 10, downS: 75, ofBound: 1 },
  { name: "a region with a ceiling", upS: 10, downS: 75, ofBound: 1 },
  { name: "delay of 5 s", upS: 15, downS: 80, ofBound: 1 },
  { name: "delay of 30 s", upS: 40, downS: 105, ofBound: 1 },
  { name: "a fifth of all reports is lost", upS: 15, downS: 80, ofBound: 1 },
  { name: "another leader in mid-step", upS: 25, downS: 75, ofBound: 1 },
];

for (const { name, upS, downS, ofBound } of expected) {
  test(`simulation: ${name}: within 5 % of the target ${upS} s after a step up and ${downS} s after a step down`, () => {
    const scenario = SIM_SCENARIOS.find((one) => one.name === name)!;
    const seconds = simulate(scenario);
    const all = figuresOf(scenario, seconds, targetOf(scenario));
    const [, up, down] = all;
    assert.ok(up!.settledAfterS !== undefined && up!.settledAfterS <= upS, `up: ${up!.settledAfterS}`);
    assert.ok(down!.settledAfterS !== undefined && down!.settledAfterS <= downS, `down: ${down!.settledAfterS}`);
    assert.ok(up!.ofBound <= ofBound, `of the bound: ${up!.ofBound}`);
    for (const { countError, mean } of [up!, down!]) {
      assert.ok(Math.abs(countError) <= 0.01, `adjusted counts: ${countError}`);
      assert.ok(Math.abs(mean - 1) <= 0.02, `mean: ${mean}`);
    }
    assert.ok(PAGE.includes(pageRow(name, all)), pageRow(name, all));
    if (scenario === SIM_SCENARIOS[0]) assert.equal(PLOT, plotOfSeconds(name, seconds, targetOf(scenario)));
  });
}

test("simulation: a region that is cut off goes on within its guards, and the fleet is at its target soon after", () => {
  const scenario = SIM_SCENARIOS.find(({ name }) => name === "a region cut off for 2 minutes")!;
  const all = figuresOf(scenario, simulate(scenario), targetOf(scenario));
  const [, up] = all;
  assert.ok(PAGE.includes(pageRow(scenario.name, all)), pageRow(scenario.name, all));
  // It was cut off up to second 90 of the step.
  assert.ok(up!.settledAfterS !== undefined && up!.settledAfterS <= 100, `${up!.settledAfterS}`);
  assert.ok(up!.ofBound <= 1.05, `${up!.ofBound}`);
});

test("simulation: the same scenario gives the same seconds, and a plot is one of text", () => {
  const scenario = { ...SIM_SCENARIOS[0]!, phases: [{ seconds: 20, load: 1 }] };
  const seconds = simulate(scenario);
  assert.deepEqual(simulate(scenario), seconds);
  const svg = plotSvg({
    title: "t",
    lines: [{ name: "kept", color: "#06c", values: seconds.map(({ kept }) => kept) }],
  });
  assert.match(svg, /^<svg [^>]*>\n[\s\S]*<polyline [\s\S]*<\/svg>\n$/u);
  assert.doesNotMatch(svg, /NaN|Infinity/u);
});
