import { resolve } from "node:path";
import type { Config } from "../../config/schema/config.ts";
import { RouterError } from "../../core/errors.ts";
import { formatProblem, type Problem } from "../../core/problem.ts";
import { openRehearsal } from "../../server/rehearse.ts";
import { usage } from "../args.ts";
import type { Args, Command, Io } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-code.ts";
import { loadUsable } from "../load-config.ts";
import { OUTPUT_OPTION, outputFormat, render } from "../print.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import { loadTests, type TestFile } from "./load.ts";
import { runTest, type TestResult } from "./run-test.ts";
import { resultsText } from "./text.ts";

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
    config: { type: "string", short: "c", value: "file", help: "Test this config, whatever the test files name." },
    coverage: { type: "boolean", help: "Tell which rules no test reached." },
    "min-coverage": { type: "string", value: "percent", help: "Fail when fewer rules were reached." },
    output: OUTPUT_OPTION,
  },
  run,
};

/** A config, and what was found about it. */
interface Tested {
  readonly path: string;
  readonly config: Config;
  readonly text: string;
  readonly results: TestResult[];
}

async function run(args: Args, io: Io): Promise<ExitCode> {
  if (args.positionals.length === 0) throw usage("test needs a test file");
  const format = outputFormat(args.required("output"));
  const minCoverage = args.number("min-coverage", 0);
  if (minCoverage !== undefined && minCoverage > 100) throw usage("--min-coverage takes a percentage, 0 to 100");
  const files = args.positionals.map((name) => loadTests(name, io.cwd));
  failOn(
    files.flatMap(({ problems }) => problems),
    io,
  );
  const tested = new Map<string, Tested>();
  const pairs = files.map((file) => [file, openTested(file, args, io, tested)] as const);
  failOn(
    pairs.flatMap(([file, { config }]) => file.check(config)),
    io,
  );
  for (const [file, its] of pairs) await runFile(file, its);
  const all = [...tested.values()];
  const results = all.flatMap((one) => one.results);
  const wantsCoverage = args.flag("coverage") || minCoverage !== undefined;
  const coverage = wantsCoverage
    ? coverageOf(all.map(({ config, results: its }) => ({ rules: config.rules, results: its })))
    : undefined;
  const failed = results.filter(({ ok }) => !ok).length;
  const enough = coverage === undefined || coverage.percent >= (minCoverage ?? 0);
  const summary = { ok: failed === 0 && enough, passed: results.length - failed, failed };
  io.stdout.write(
    render(format, toldOf(summary, results, coverage), () =>
      resultsText(summary, results, coverage, minCoverage, io.stdout.columns),
    ),
  );
  return summary.ok ? EXIT.ok : EXIT.testsFailed;
}

async function runFile({ file, tests }: TestFile, { config, text, results }: Tested): Promise<void> {
  for (const test of tests) results.push(await runTest(test, file, () => openRehearsal(config, text)));
}

function openTested(file: TestFile, args: Args, io: Io, known: Map<string, Tested>): Tested {
  const named = args.text("config");
  const path = named === undefined ? file.config : resolve(io.cwd, named);
  if (path === undefined) throw usage(`${file.file} names no config`, "write config: <file> into it, or use --config");
  const tested = known.get(path) ?? { path, ...loadUsable(path, io), results: [] };
  known.set(path, tested);
  return tested;
}

/** Fails with CONFIG_INVALID when there are problems, after telling all of them. */
function failOn(problems: readonly Problem[], { stderr }: Io): void {
  if (problems.length === 0) return;
  stderr.write(`${problems.map(formatProblem).join("\n")}\n`);
  throw new RouterError("CONFIG_INVALID", "the tests have problems, so none was run");
}

function toldOf(summary: object, results: readonly TestResult[], coverage: Coverage | undefined): object {
  const tests = results.map(({ name, file, line, ok, failures }) => ({ name, file, line, ok, failures }));
  return { ...summary, tests, ...(coverage !== undefined && { coverage }) };
}
