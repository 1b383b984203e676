import { wrapped } from "../explain/wrap.ts";
import type { Coverage } from "./coverage.ts";
import type { TestResult } from "./run-test.ts";

interface Summary {
  readonly passed: number;
  readonly failed: number;
}

/** A line for each test, and below those that failed what was expected, what came, and why. */
export function resultsText(
  { passed, failed }: Summary,
  results: readonly TestResult[],
  coverage: Coverage | undefined,
  minCoverage: number | undefined,
  width: number,
): string {
  const lines = results.flatMap((result) => testLines(result, width));
  const end = `${passed} passed, ${failed} failed`;
  const more = coverage === undefined ? [] : coverageLines(coverage, minCoverage, width);
  return `${[...lines, end, ...more].join("\n")}\n`;
}

function testLines({ name, file, line, ok, failures }: TestResult, width: number): string[] {
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
