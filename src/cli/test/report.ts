import type { Config } from "../../config/schema/config.ts";
import { wrapped } from "../print.ts";
import type { TestResult } from "./run-test.ts";

export interface Coverage {
  /** Of the rules of all configs; 100 without any. */
  readonly percent: number;
  readonly reached: number;
  readonly rules: number;
  /** Ids, in the order of the configs. */
  readonly not_reached: readonly string[];
}

/**
 * Which rules took or copied something in a test: those of failed tests count, because they were
 * tried.
 */
export function coverageOf(
  tested: readonly { readonly config: Pick<Config, "rules">; readonly results: readonly TestResult[] }[],
): Coverage {
  const missing = tested.flatMap(({ config, results }) => {
    const reached = new Set(results.flatMap((result) => result.reached));
    return config.rules.filter(({ id }) => !reached.has(id)).map(({ id }) => id);
  });
  const rules = tested.reduce((sum, { config }) => sum + config.rules.length, 0);
  const reached = rules - missing.length;
  const percent = rules === 0 ? 100 : Math.floor((1_000 * reached) / rules) / 10;
  return { percent, reached, rules, not_reached: missing };
}

/** What is printed. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly tests: readonly Omit<TestResult, "reached">[];
  readonly coverage?: Coverage;
}

/** A line for each test, and below those that failed what was expected, what came, and why. */
export function resultsText(
  { passed, failed, tests, coverage }: TestReport,
  minCoverage: number | undefined,
  width: number,
): string {
  const lines = tests.flatMap((result) => testLines(result, width));
  const end = `${passed} passed, ${failed} failed`;
  const more = coverage === undefined ? [] : coverageLines(coverage, minCoverage, width);
  return `${[...lines, end, ...more].join("\n")}\n`;
}

function testLines({ name, file, line, ok, failures }: TestReport["tests"][number], width: number): string[] {
  if (ok) return wrapped(`ok      ${name}`, width, 8);
  const told = failures.flatMap(({ what, expected, actual, why }) => [
    ...wrapped(`        ${what}: expected ${expected}, got ${actual}`, width, 10),
    ...why.flatMap((one) => wrapped(`          ${one}`, width, 12)),
  ]);
  return [...wrapped(`not ok  ${name} (${file}:${line})`, width, 8), ...told];
}

function coverageLines(coverage: Coverage, minCoverage: number | undefined, width: number): string[] {
  const { percent, reached, rules, not_reached: missing } = coverage;
  const low = minCoverage !== undefined && percent < minCoverage ? `, less than ${minCoverage}%` : "";
  const line = `coverage: ${reached} of ${rules} rules (${percent}%)${low}`;
  return missing.length === 0 ? [line] : [line, ...wrapped(`  not reached: ${missing.join(", ")}`, width, 4)];
}
