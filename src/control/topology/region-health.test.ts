import assert from "node:assert/strict";
import { test } from "node:test";
import { type RegionFacts, regionHealth } from "./region-health.ts";

const WELL: RegionFacts = { controllers: ["healthy", "healthy"], adopted: false, collectors: 4, healthyCollectors: 4 };

const cases: { name: string; facts: Partial<RegionFacts>; want: [string, string] }[] = [
  { name: "all do well", facts: {}, want: ["healthy", ""] },
  {
    name: "a controller of two does not",
    facts: { controllers: ["healthy", "unhealthy"] },
    want: ["degraded", "1 of 2 controllers unhealthy"],
  },
  {
    name: "no controller does",
    facts: { controllers: ["unhealthy"] },
    want: ["unhealthy", "1 of 1 controllers unhealthy"],
  },
  { name: "no controller has been checked", facts: { controllers: ["unknown"] }, want: ["unknown", ""] },
  { name: "there is no controller", facts: { controllers: [] }, want: ["unhealthy", "no controller"] },
  {
    name: "the global leader does their work",
    facts: { controllers: [], adopted: true },
    want: ["degraded", "no controller of its own: the global leader does its work"],
  },
  {
    name: "half of the collectors do",
    facts: { healthyCollectors: 2 },
    want: ["degraded", "2 of 4 collectors healthy"],
  },
  {
    name: "fewer do",
    facts: { healthyCollectors: 1, controllers: ["healthy", "unhealthy"] },
    want: ["unhealthy", "1 of 2 controllers unhealthy; 1 of 4 collectors healthy"],
  },
  { name: "nobody answers for it", facts: { isSilent: true }, want: ["unknown", "its controller does not answer"] },
  {
    name: "nobody can answer for it",
    facts: { isSilent: true, controllers: [] },
    want: ["unhealthy", "no controller"],
  },
  { name: "there is no collector", facts: { collectors: 0, healthyCollectors: 0 }, want: ["unknown", "no collector"] },
];

for (const { name, facts, want } of cases) {
  test(`region health: ${name}`, () => {
    const { health, reason } = regionHealth({ ...WELL, ...facts });
    assert.deepEqual([health, reason], want);
  });
}
