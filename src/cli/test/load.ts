import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkAgainst } from "../../config/check-schema.ts";
import { hintFor } from "../../config/closest.ts";
import { parseText } from "../../config/document.ts";
import { positionOf } from "../../config/parsed-document.ts";
import { type Finding, fault, formatPath, type Path } from "../../config/finding.ts";
import type { Config } from "../../config/schema/config.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Problem } from "../../core/problem.ts";
import { DEFAULT_RULE } from "../../plan/compile-routes.ts";
import { type ExplainInput, readExplainInput, simpleRequest } from "../../plan/explain-input.ts";
import { readNamed } from "../files.ts";
import { type Expectation, type RoutingTest, TestFileSchema } from "./schema.ts";

/** A test file that was read, before anything is known of its config. */
export interface TestFile {
  readonly file: string;
  /** As the file names it, as a whole path. */
  readonly config: string | undefined;
  readonly tests: readonly LoadedTest[];
  readonly problems: readonly Problem[];
  /** Problems of what the tests name that this config does not have. */
  check(config: Config): Problem[];
}

export interface LoadedTest extends Omit<RoutingTest, "input"> {
  readonly input: Extract<ExplainInput, { ok: true }>;
  readonly region: string | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  /** Of its name in the file. */
  readonly line: number;
}

const MAX_BYTES = 16 * 1_024 * 1_024;

/**
 * Reads a test file. What is wrong with it is among its problems; fails with CONFIG_UNREADABLE when
 * there is none.
 */
export function loadTests(name: string, cwd: string): TestFile {
  const path = resolve(cwd, name);
  const text = readNamed(path, name, MAX_BYTES).toString();
  const parsed = parseText(text);
  const none = { file: name, config: undefined, tests: [], check: () => [] };
  if (!parsed.ok || parsed.faults.length > 0) {
    const problems = parsed.faults.map(({ message, hint, position }) => problem(name, "", message, hint, position));
    return { ...none, problems };
  }
  const { document } = parsed;
  const place = (finding: Finding): Problem => {
    const position = positionOf(document, finding.path, finding.at ?? "value");
    return problem(name, formatPath(finding.path), finding.message, finding.hint, position);
  };
  // A list is tests by themselves: the config has to be named on the command line.
  const isList = Array.isArray(document.root);
  const read = checkAgainst(TestFileSchema, isList ? { tests: document.root } : document.root);
  const at = (whole: Path): Path => (isList ? whole.slice(1) : whole);
  if (read.document === undefined) {
    return { ...none, problems: read.findings.map((finding) => place({ ...finding, path: at(finding.path) })) };
  }
  const tests: LoadedTest[] = [];
  const faults: Finding[] = [];
  for (const [i, test] of read.document.tests.entries()) {
    const input = readInput(test, dirname(path));
    const { line } = positionOf(document, at(["tests", i, "name"]), "value");
    if (input.ok) tests.push({ ...test, input, region: test.input.region, headers: test.input.headers, line });
    else faults.push(fault(at(["tests", i, "input"]), input.message));
  }
  const config = read.document.config === undefined ? undefined : resolve(dirname(path), read.document.config);
  const check = (known: Config): Problem[] =>
    tests.flatMap(({ expect }, i) => unknownNames(expect, at(["tests", i, "expect"]), known)).map(place);
  return { file: name, config, tests, problems: faults.map(place), check };
}

/** What `share` sends has a trace of its own each time, so there has to be one. */
const SOME_TRACE = "0123456789abcdef0123456789abcdef";

function readInput({ input, expect }: RoutingTest, folder: string): ExplainInput {
  const { request, file, ...words } = input;
  const item = expect.share === undefined ? words : { trace_id: SOME_TRACE, ...words };
  if (request !== undefined && file !== undefined) return { ok: false, message: "request and file exclude each other" };
  if (request !== undefined) return readExplainInput(Buffer.from(JSON.stringify(request)), item.signal, item);
  if (file === undefined) return simpleRequest(item);
  try {
    return readExplainInput(readFileSync(resolve(folder, file)), item.signal, item);
  } catch (cause) {
    return { ok: false, message: `cannot read ${file}: ${reasonOf(cause)}` };
  }
}

function unknownNames(expect: Expectation, at: Path, config: Config): Finding[] {
  const rules = [...config.rules.map(({ id }) => id), DEFAULT_RULE];
  const pools = Object.keys(config.pools);
  const targets = config.targets.map(({ id }) => id);
  const find = (noun: string, known: readonly string[], key: Path, name: string | undefined): Finding[] =>
    name === undefined || known.includes(name)
      ? []
      : [fault([...at, ...key], `there is no ${noun} "${name}"`, hintFor(name, known, `${noun}s`))];
  const { rule, pool, target, copies = [], share } = expect;
  return [
    ...find("rule", rules, ["rule"], rule),
    ...find("pool", pools, ["pool"], pool),
    ...find("target", targets, ["target"], target),
    ...(expect.targets ?? []).flatMap((one, k) => find("target", targets, ["targets", k], one)),
    ...copies.flatMap((one, k) => find("rule or pool", [...rules, ...pools], ["copies", k], one)),
    ...(share === undefined ? [] : shareFaults(share.of, rules, targets, at)),
  ];
}

function shareFaults(of: string, rules: readonly string[], targets: readonly string[], at: Path): Finding[] {
  const path = [...at, "share", "of"];
  const known = [...rules, ...targets];
  const name = of.replace(/^(?:rule|target):/u, "");
  if (name === of && rules.includes(of) && targets.includes(of)) {
    return [fault(path, `"${of}" is a rule and a target`, `write rule:${of} or target:${of}`)];
  }
  if (known.includes(name)) return [];
  return [fault(path, `there is no rule or target "${name}"`, hintFor(name, known, "names"))];
}

function problem(
  file: string,
  path: string,
  message: string,
  hint: string | undefined,
  position: NonNullable<Problem["position"]>,
): Problem {
  return { severity: "error", path, message, ...(hint !== undefined && { hint }), file, position };
}
