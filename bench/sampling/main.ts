/**
 * Runs the loop of sampling, with the code that leaders and nodes run, by a virtual clock, and
 * writes its figures and plots: `node bench/sampling/main.ts <folder> [part of a name...]`. The
 * same code gives the same files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTable } from "../table.ts";
import { figuresOf, type PhaseFigures } from "./figures.ts";
import { plotSvg } from "./plot.ts";
import { SIM_SCENARIOS, targetOf } from "./scenarios.ts";
import { simulate, type SimSecond } from "./simulation.ts";

const HEAD = [
  "scenario",
  "load",
  "settled after",
  "worst second",
  "mean",
  "of the bound",
  "adjusted counts",
  "guarded",
];

function rowOf(name: string, figures: PhaseFigures): string[] {
  const percent = (part: number): string => `${(100 * part).toFixed(1)} %`;
  const { settledAfterS, countError } = figures;
  return [
    name,
    `${figures.load}`,
    settledAfterS === undefined ? "-" : `${settledAfterS} s`,
    percent(figures.worst),
    percent(figures.mean),
    percent(figures.ofBound),
    `${countError < 0 ? "" : "+"}${(100 * countError).toFixed(2)} %`,
    percent(figures.guarded),
  ];
}

function plotOf(title: string, seconds: readonly SimSecond[], target: number): string {
  return plotSvg({
    title,
    lines: [
      { name: "received", color: "#888", values: seconds.map(({ received }) => received) },
      { name: "guards' bound", color: "#c80", values: seconds.map(({ bound }) => bound) },
      { name: "kept", color: "#06c", values: seconds.map(({ kept }) => kept) },
      { name: "target", color: "#c00", values: seconds.map(() => target) },
    ],
  });
}

const [folder, ...parts] = process.argv.slice(2);
if (folder === undefined) throw new Error("which folder? node bench/sampling/main.ts <folder> [part of a name...]");
mkdirSync(folder, { recursive: true });
const rows = [HEAD];
for (const scenario of SIM_SCENARIOS) {
  if (parts.length > 0 && !parts.some((part) => scenario.name.includes(part))) continue;
  const seconds = simulate(scenario);
  for (const figures of figuresOf(scenario, seconds, targetOf(scenario))) rows.push(rowOf(scenario.name, figures));
  const file = `${scenario.name.replaceAll(/[^a-z0-9]+/gu, "-")}.svg`;
  writeFileSync(join(folder, file), plotOf(scenario.name, seconds, targetOf(scenario)));
}
const table = formatTable(rows);
writeFileSync(join(folder, "figures.txt"), `${table}\n`);
process.stdout.write(`${table}\n`);
