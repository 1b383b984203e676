import { ITEM_CHARGE, type SamplingSettings } from "../../src/control/sampling/sampling-settings.ts";
import type { SimPhase, SimScenario } from "./simulation.ts";

/** What all scenarios are to keep, a second. */
export const SIM_TARGET = 1_000;

const TRACES = ["traces"] as const;
const REGIONS = ["us-east-1", "eu-west-1", "ap-south-1"] as const;

const SETTINGS: SamplingSettings = {
  classes: [
    { name: "payment", priority: "high", rate: 1, signals: TRACES },
    { name: "debug", priority: "low", rate: 0.01, signals: TRACES },
    { name: "rest", priority: "normal", rate: 1, signals: TRACES },
  ],
  ceilings: [],
  budgets: [
    {
      name: "adaptive",
      signals: TRACES,
      allowedPerSecond: SIM_TARGET,
      minRate: 0.0001,
      maxRate: 1,
      charge: ITEM_CHARGE,
    },
  ],
};

function stepsOf(load: number, seconds = 180): SimPhase[] {
  return [
    { seconds: 60, load: 1 },
    { seconds, load },
    { seconds, load: 1 },
  ];
}

const BASE: SimScenario = {
  name: "step of 5, ten collectors, skew 10:1",
  settings: SETTINGS,
  regions: REGIONS,
  collectors: 10,
  skew: 10,
  streams: [
    { class: "payment", arrival: 1, perSecond: 10 },
    { class: "debug", arrival: 1, perSecond: 500 },
    { class: "rest", arrival: 1, perSecond: 11_490 },
  ],
  phases: stepsOf(5),
  delayMs: 400,
  lost: 0,
  faults: [],
  seed: 1,
};

/** More of everything. */
function times(factor: number): Pick<SimScenario, "streams" | "settings"> {
  const [budget] = SETTINGS.budgets;
  const budgets = [{ ...budget!, allowedPerSecond: SIM_TARGET * factor }];
  const streams = BASE.streams.map((one) => ({ ...one, perSecond: one.perSecond * factor }));
  return { streams, settings: { ...SETTINGS, budgets } };
}

/** What the page on sampling is to tell of. */
export const SIM_SCENARIOS: readonly SimScenario[] = [
  BASE,
  { ...BASE, name: "step of 50", phases: stepsOf(50) },
  { ...BASE, name: "one collector", collectors: 1, skew: 1, regions: ["us-east-1"] },
  { ...BASE, ...times(10), name: "100 collectors, 10 times the load and target", collectors: 100 },
  { ...BASE, ...times(100), name: "1,000 collectors, 100 times the load and target", collectors: 1_000 },
  { ...BASE, name: "1,000 collectors, 12 items a second each", collectors: 1_000 },
  {
    ...BASE,
    name: "arrivals already thinned",
    streams: [
      { class: "payment", arrival: 1, perSecond: 10 },
      { class: "rest", arrival: 0.01, perSecond: 500 },
      { class: "rest", arrival: 0.1, perSecond: 2_000 },
      { class: "rest", arrival: 1, perSecond: 9_490 },
    ],
  },
  {
    ...BASE,
    name: "a region with a ceiling",
    settings: { ...SETTINGS, ceilings: [{ reason: "region", rate: 0.05, region: "us-east-1", signals: TRACES }] },
  },
  { ...BASE, name: "delay of 5 s", delayMs: 5_000 },
  { ...BASE, name: "delay of 30 s", delayMs: 30_000, phases: stepsOf(5, 240) },
  { ...BASE, name: "a fifth of all reports is lost", lost: 0.2 },
  { ...BASE, name: "another leader in mid-step", faults: [{ kind: "leader_change", atS: 60, forS: 15 }] },
  {
    ...BASE,
    name: "a region cut off for 2 minutes",
    faults: [{ kind: "partition", region: "eu-west-1", atS: 30, forS: 120 }],
  },
  {
    ...BASE,
    name: "little comes",
    streams: [{ class: "rest", arrival: 1, perSecond: 60 }],
    settings: { ...SETTINGS, budgets: [{ ...SETTINGS.budgets[0]!, allowedPerSecond: 20 }] },
    collectors: 3,
  },
];

/** The target of a scenario. */
export function targetOf({ settings }: SimScenario): number {
  return settings.budgets[0]!.allowedPerSecond;
}
