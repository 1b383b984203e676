/**
 * Runs the loop of sampling, with the code that leaders and nodes run, by a virtual clock, and
 * writes its figures and plots: `node bench/sampling/main.ts <folder> [part of a name...]`. The
 * same code gives the same files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatTable } from "../table.ts";
import { figuresOf, pageRow, type PhaseFigures } from "./figures.ts";
import { plotOfSeconds } from "./plot.ts";
import { SIM_SCENARIOS, targetOf } from "./scenarios.ts";
import { simulate } from "./simulation.ts";

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

const [folder, ...parts] = process.argv.slice(2);
if (folder === undefined) throw new Error("which folder? node bench/sampling/main.ts <folder> [part of a name...]");
mkdirSync(folder, { recursive: true });
const rows = [HEAD];
const page: string[] = [];
for (const scenario of SIM_SCENARIOS) {
  if (parts.length > 0 && !parts.some((part) => scenario.name.includes(part))) continue;
  const seconds = simulate(scenario);
  const all = figuresOf(scenario, seconds, targetOf(scenario));
  for (const figures of all) rows.push(rowOf(scenario.name, figures));
  page.push(pageRow(scenario.name, all));
  const file = `${scenario.name.replaceAll(/[^a-z0-9]+/gu, "-")}.svg`;
  writeFileSync(join(folder, file), plotOfSeconds(scenario.name, seconds, targetOf(scenario)));
}
const table = formatTable(rows);
writeFileSync(join(folder, "page.md"), `${page.join("\n")}\n`);
writeFileSync(join(folder, "figures.txt"), `${table}\n`);
process.stdout.write(`${table}\n`);
