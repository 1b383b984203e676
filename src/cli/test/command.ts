import { resolve } from "node:path";
import type { Config } from "../../config/schema/config.ts";
import type { Problem } from "../../core/problem.ts";
import { type DryRun, openDryRun } from "../../server/open-dry-run.ts";
import { usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { OUTPUT_OPTION, print, wrapped } from "../print.ts";
import { loadUsable, refuse } from "../validate.ts";
import { loadTests, type TestFile } from "./load.ts";
import { runTest, type TestResult } from "./run-test.ts";

export const command: Command = {
  name: "test",
  summary: "Run routing tests that are kept beside a config.",
  usage: ["test <file...> [--config <file>] [--coverage]"],
  details: `A test says what comes in and where it is to go; docs/explain.md has the whole format, signalbox schema --tests its schema.

  config: signalbox.yaml
  tests:
    - name: gold users have a target of their own
      input: { service: checkout, attributes: { user.tier: gold } }
      expect: { rule: gold, target: fast }

Nothing has to run: each test has the config to itself, with all targets ready. Exits with 4 when a test fails, or too few rules are
reached, and with 3 when the config or a test file has problems.`,
  options: {
    config: { short: "c", value: "file", help: "Test this config, whatever the test files name." },
    coverage: { flag: true, help: "Tell which rules no test reached." },
    "min-coverage": { value: "percent", help: "Fail when fewer rules were reached." },
    output: OUTPUT_OPTION,
  },
  run,
};

/** A config, and what was found about it. */
interface Tested {
  readonly config: Config;
  readonly text: string;
  readonly results: TestResult[];
}

async function run(args: Args, io: Io): Promise<ExitCode> {
  if (args.positionals.length === 0) throw usage("test needs a test file");
  const least = args.number("min-coverage", 0);
  if (least !== undefined && least > 100) throw usage("--min-coverage takes a percentage, 0 to 100");
  const all = await runFiles(args, io);
  const results = all.flatMap((one) => one.results);
  const coverage = args.flag("coverage") || least !== undefined ? coverageOf(all) : undefined;
  const failed = results.filter(({ ok }) => !ok).length;
  const ok = failed === 0 && (coverage === undefined || coverage.percent >= (least ?? 0));
  const tests = results.map(({ reached: _reached, ...told }) => told);
  const report = { ok, passed: results.length - failed, failed, tests, ...(coverage !== undefined && { coverage }) };
  print(report, args, io, () => resultsText(report, least, io.stdout.columns));
  return ok ? EXIT.ok : EXIT.testsFailed;
}

/**
 * Runs the tests of all files. Fails with CONFIG_INVALID, after telling all of them, when there are
 * problems.
 */
async function runFiles(args: Args, io: Io): Promise<readonly Tested[]> {
  const failOn = (problems: readonly Problem[]): void => {
    if (problems.length > 0) refuse(problems, io, "the tests have problems, so none was run");
  };
  const files = args.positionals.map((name) => loadTests(name, io.cwd));
  failOn(files.flatMap(({ problems }) => problems));
  const tested = new Map<string, Tested>();
  const pairs = files.map((file) => ({ file, its: openTested(file, args, io, tested) }));
  failOn(pairs.flatMap(({ file, its }) => file.check(its.config)));
  for (const { file, its } of pairs) {
    const open = (): Promise<DryRun> => openDryRun(its.config, its.text);
    for (const test of file.tests) its.results.push(await runTest(test, file.file, open));
  }
  return [...tested.values()];
}

function openTested(file: TestFile, args: Args, io: Io, known: Map<string, Tested>): Tested {
  const named = args.text("config");
  const path = named === undefined ? file.config : resolve(io.cwd, named);
  if (path === undefined) throw usage(`${file.file} names no config`, "write config: <file> into it, or use --config");
  const tested = known.get(path) ?? { ...loadUsable(path, io), results: [] };
  known.set(path, tested);
  return tested;
}

interface Coverage {
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
function coverageOf(tested: readonly Tested[]): Coverage {
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
interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly tests: readonly Omit<TestResult, "reached">[];
  readonly coverage?: Coverage;
}

/** A line for each test, and below those that failed what was expected, what came, and why. */
function resultsText(
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
