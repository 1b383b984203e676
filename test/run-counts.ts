import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { absenceOf, findProgram, type ProgramName, versionOf } from "./set-up/programs.ts";

/** How many tests a file has, and what came of them. */
export interface FileCounts {
  readonly tests: number;
  readonly passed: number;
  /** A title for each. */
  readonly failed: readonly string[];
  readonly skipped: readonly SkippedTest[];
  /** Lines for who reads what came of it all. */
  readonly told: readonly string[];
}

export interface SkippedTest {
  readonly name: string;
  readonly file: string;
  readonly why: string;
}

/** The counts of one run of many files. */
export interface RunCounts extends FileCounts {
  readonly name: string;
  readonly files: number;
  readonly ok: boolean;
  /** How nodes ran, and how many of them, where they were to have workers. */
  readonly nodes: ReadonlyMap<string, number>;
}

/** The variable that tells a reporter where to leave the counts of its file. */
export const LEFT_FILE = "TEST_COUNTS_FILE";
/** The variable that tells a reporter what its files are called together. */
export const TITLE = "TEST_TITLE";

/** Does nothing when nobody asks for them. */
export function leaveCounts(counts: FileCounts): void {
  const file = process.env[LEFT_FILE];
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
}

/** Undefined when the reporter did not come to its end. */
export function leftCounts(file: string): FileCounts | undefined {
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as FileCounts; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as left by leaveCounts
}

export function sumOf(files: readonly FileCounts[]): FileCounts {
  return {
    tests: files.reduce((sum, file) => sum + file.tests, 0),
    passed: files.reduce((sum, file) => sum + file.passed, 0),
    failed: files.flatMap(({ failed }) => failed),
    skipped: files.flatMap(({ skipped }) => skipped),
    told: files.flatMap(({ told }) => told),
  };
}

/** The lines that test/support/workers.ts leaves, and how often; none without the file. */
export function readNodes(file: string): Map<string, number> {
  const nodes = new Map<string, number>();
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  for (const line of lines) nodes.set(line, (nodes.get(line) ?? 0) + 1);
  return nodes;
}

/** What tests told, what was skipped and why, and again what failed. */
export function endingLines({ failed, skipped, told }: FileCounts): string[] {
  const lines = told.map((line) => `ℹ ${line}`);
  lines.push(...skipLines(skipped).map((line) => `\n﹣ SKIPPED ${line}`));
  return failed.length > 0 ? [...lines, `\n✖ ${failed.length} failed:`, ...failed] : lines;
}

/** One line for each test, or for all of a file that are skipped for the same reason. */
function skipLines(skipped: readonly SkippedTest[]): string[] {
  const groups = Map.groupBy(skipped, ({ file, why }) => `${file}: ${why}`);
  return Array.from(
    groups,
    ([reason, tests]) => `${tests.length === 1 ? tests[0]!.name : `${tests.length} tests`}, ${reason}`,
  );
}

/** The last words of all runs: what ran, what was skipped, and which programs it ran against. */
export function closingLines(runs: readonly RunCounts[], programs: readonly ProgramName[]): string[] {
  const lines = runs.flatMap((run) => [lineOf(run), ...Array.from(run.nodes, ([how, n]) => `ℹ   nodes ${how}: ${n}`)]);
  const present = programs.filter((name) => findProgram(name) !== undefined);
  if (present.length > 0)
    lines.push(`ℹ peers: ${present.map((name) => `${name} ${versionOf(name)}`.trim()).join(", ")}`);
  const skipped = runs.reduce((sum, run) => sum + run.skipped.length, 0);
  if (skipped > 0) lines.push(`﹣ ${skipped} tests were SKIPPED; the reasons stand above`);
  for (const name of programs) if (!present.includes(name)) lines.push(`﹣ ${absenceOf(name)}: its tests were SKIPPED`);
  return lines;
}

function lineOf({ name, ok, files, tests, passed, failed, skipped }: RunCounts): string {
  const told = [`${files} test files`, `${tests} tests`, `${passed} passed`];
  told.push(`${failed.length} failed`, `${skipped.length} skipped`);
  return `${ok ? "✔" : "✖"} ${name}: ${told.join(", ")}`;
}
