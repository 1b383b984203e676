import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CASES, WIRE_CASES } from "./cases.ts";
import { marksOf } from "./marks.ts";
import { probeTable } from "./probe-tables.ts";
import { PROBES } from "./probes.ts";
import type { Report } from "./results.ts";
import { tableHead, tableRow } from "./table.ts";

/**
 * `node bench/report.ts results.json [--write]`: the results as Markdown, to the standard output or
 * into the results section of docs/benchmarks.md.
 */
const DOCUMENT = join(import.meta.dirname, "../docs/benchmarks.md");
const BEGIN = "<!-- results: written by bench/report.ts -->";
const END = "<!-- end of results -->";

const [file, flag] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: node bench/report.ts results.json [--write]\n");
  process.exitCode = 2;
} else {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by main.ts of this folder
  const text = markdownOf(JSON.parse(readFileSync(file, "utf8")) as Report);
  if (flag === "--write") writeSection(text);
  else process.stdout.write(`${text}\n`);
}

function markdownOf(report: Report): string {
  const { machine, command, timing } = report;
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryMiB} MiB, Linux ${machine.kernel}, Node ${machine.node}; ` +
      `${machine.date} UTC, commit ${machine.commit}; warm-up ${timing.warmUpMs / 1_000} s, window ${timing.windowMs / 1_000} s; \`${command}\`.`,
  ];
  const marks = marksOf(report).map(({ what, mark, measured, held }) => [what, mark, measured, held ? "yes" : "NO"]);
  if (marks.length > 0) parts.push("### Against the marks", tableOf([["what", "mark", "measured", "held"], ...marks]));
  for (const { name, title } of [...CASES, ...WIRE_CASES]) {
    const rows = report.measurements.filter((measurement) => measurement.case === name);
    if (rows.length > 0) parts.push(`### ${title}`, tableOf([tableHead(), ...rows.map(tableRow)]));
  }
  for (const { name, title } of PROBES) {
    const table = probeTable(name, report.probes);
    if (table !== undefined) parts.push(`### ${title}`, tableOf(table.rows), ...table.notes);
  }
  const missing = [
    ...report.failures.map((failure) => `- ${failure.system}, ${failure.case}: ${firstLine(failure.reason)}`),
    ...report.absent.map(({ system, reason }) => `- ${system}: ${reason}`),
  ];
  if (missing.length > 0) parts.push("### Not measured", missing.join("\n"));
  return parts.join("\n\n");
}

/** Columns of numbers to the right. */
function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  const isNumber = (column: number): boolean =>
    rows.every((row) => /^(NO.*|yes|-|[\d.,]+.*)$/u.test(row[column] ?? ""));
  return [line(head), line(head.map((_, i) => (isNumber(i) ? "---:" : "---"))), ...rows.map(line)].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

function writeSection(text: string): void {
  const document = readFileSync(DOCUMENT, "utf8");
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} has no results section`);
  writeFileSync(DOCUMENT, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`);
}
