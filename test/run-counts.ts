import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { absenceOf, findProgram, type ProgramName, versionOf } from "./set-up/programs.ts";

/** How many tests there were, and what came of them. */
export interface Counts {
  readonly tests: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The counts of one run of many files. */
export interface RunCounts extends Counts {
  readonly name: string;
  readonly files: number;
  readonly ok: boolean;
  /** How nodes ran, and how many of them, where they were to have workers. */
  readonly nodes: ReadonlyMap<string, number>;
}

export const NO_COUNTS: Counts = { tests: 0, passed: 0, failed: 0, skipped: 0 };

/** The variable that tells a reporter where to leave its counts. */
export const COUNTS_FILE = "TEST_COUNTS_FILE";

/** Does nothing when nobody asks for them. */
export function leaveCounts(counts: Counts): void {
  const file = process.env[COUNTS_FILE];
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
}

/** Undefined when the reporter did not come to its end. */
export function readCounts(file: string): Counts | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as Counts; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as left by leaveCounts
}

/** The lines that test/support/workers.ts leaves, and how often; none without the file. */
export function readNodes(file: string): Map<string, number> {
  const nodes = new Map<string, number>();
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  for (const line of lines) nodes.set(line, (nodes.get(line) ?? 0) + 1);
  return nodes;
}

/** The last words of all runs: what ran, what was skipped, and which programs it ran against. */
export function closingLines(runs: readonly RunCounts[], programs: readonly ProgramName[]): string[] {
  const lines = runs.flatMap((run) => [lineOf(run), ...Array.from(run.nodes, ([how, n]) => `ℹ   nodes ${how}: ${n}`)]);
  const present = programs.filter((name) => findProgram(name) !== undefined);
  if (present.length > 0)
    lines.push(`ℹ peers: ${present.map((name) => `${name} ${versionOf(name)}`.trim()).join(", ")}`);
  const skipped = runs.reduce((sum, run) => sum + run.skipped, 0);
  if (skipped > 0) lines.push(`﹣ ${skipped} tests were SKIPPED; the reasons stand above`);
  for (const name of programs) if (!present.includes(name)) lines.push(`﹣ ${absenceOf(name)}: its tests were SKIPPED`);
  return lines;
}

function lineOf({ name, ok, files, tests, passed, failed, skipped }: RunCounts): string {
  const told = [`${files} test files`, `${tests} tests`, `${passed} passed`, `${failed} failed`, `${skipped} skipped`];
  return `${ok ? "✔" : "✖"} ${name}: ${told.join(", ")}`;
}
