import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { reasonOf } from "../core/errors.ts";
import type { Problem } from "../core/problem.ts";
import { checkSchema } from "./check-schema.ts";
import { type ParsedDocument, parseText, type SyntaxFault } from "./document.ts";
import { type Finding, formatPath } from "./finding.ts";
import { normalise } from "./normalise.ts";
import { expandPluginStrategies } from "./plugin-strategies.ts";
import { readPemFiles } from "./pem.ts";
import type { Config } from "./schema/config.ts";
import { type Sources, substitute } from "./substitute.ts";
import { findUnavailable } from "./unavailable.ts";
import { validate } from "./validate.ts";

export interface LoadOptions extends Sources {
  /** The name of the file, for problems. */
  readonly file: string;
}

export interface LoadResult {
  /** Undefined exactly when there is an error among the problems. */
  readonly config: Config | undefined;
  /** In the order of the file. */
  readonly problems: Problem[];
}

/** Reads a config from its text; everything that is wrong with it is told at once. Never throws. */
export function loadConfig(text: string, options: LoadOptions): LoadResult {
  const parsed = parseText(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  const faults = parsed.faults.map((syntax) => fromSyntax(syntax, options.file));
  if (!parsed.ok) return { config: undefined, problems: faults };
  if (isEmpty(parsed.document.root)) return { config: undefined, problems: [...faults, emptyFile(options.file)] };
  const { config, findings } = check(parsed.document.root, options);
  const problems = [...faults, ...findings.map((finding) => toProblem(finding, parsed.document, options.file))];
  problems.sort((a, b) => comparePositions(a, b));
  return { config: faults.length > 0 ? undefined : config, problems };
}

/** Reads a config file; paths in it start at its folder. A file that cannot be read is a problem, too. */
export function loadConfigFile(path: string, { env }: Pick<LoadOptions, "env">): LoadResult {
  const readFile = (name: string): string => readBounded(resolve(dirname(path), name));
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    return { config: undefined, problems: [{ severity: "error", path: "", message: reasonOf(cause), file: path }] };
  }
  const resolvePath = (name: string): string => resolve(dirname(path), name);
  return loadConfig(text, { file: path, env, readFile, resolvePath });
}

const BYTE_ORDER_MARK = "\uFEFF";
const MINIMAL_HINT = "the smallest config is  targets: [{ id: tempo, endpoint: http://127.0.0.1:14317 }]";
/** Certificates and tokens are small: what is larger is a mistake. */
const MAX_FILE_BYTES = 1_024 * 1_024;

function check(text: unknown, sources: Sources): { config: Config | undefined; findings: Finding[] } {
  const substituted = substitute(text, sources);
  const { root: written, findings: pemFindings } = readPemFiles(substituted.root, sources);
  const root = expandPluginStrategies(written);
  const { document, findings: schemaFindings } = checkSchema(root);
  const findings = keepFirst(
    [...substituted.findings, ...pemFindings],
    schemaFindings,
    validate(root, document),
    findUnavailable(root),
  );
  const isUsable = document !== undefined && findings.every((finding) => finding.severity === "warning");
  return { config: isUsable ? normalise(document, sources.resolvePath ?? resolve) : undefined, findings };
}

/**
 * All findings of all steps, but of a later step only what is not a consequence of an earlier one: an error at or below
 * a place silences later warnings there, and later errors at the same place.
 */
function keepFirst(...steps: readonly (readonly Finding[])[]): Finding[] {
  const kept: Finding[] = [];
  const wrong = new Set<string>();
  const wrongBelow = new Set<string>();
  for (const step of steps) {
    const fresh = step.filter(
      ({ path, severity }) => !(severity === "error" ? wrong : wrongBelow).has(formatPath(path)),
    );
    for (const { path, severity } of fresh) {
      if (severity !== "error") continue;
      wrong.add(formatPath(path));
      for (let length = 0; length <= path.length; length++) wrongBelow.add(formatPath(path.slice(0, length)));
    }
    kept.push(...fresh);
  }
  return kept;
}

function isEmpty(root: unknown): boolean {
  return root === null || root === undefined || (typeof root === "object" && Object.keys(root).length === 0);
}

function emptyFile(file: string): Problem {
  const position = { line: 1, column: 1 };
  return { severity: "error", path: "", message: "the config is empty", hint: MINIMAL_HINT, file, position };
}

function fromSyntax({ message, hint, position }: SyntaxFault, file: string): Problem {
  return { severity: "error", path: "", message, ...(hint !== undefined && { hint }), file, position };
}

function toProblem({ severity, path, message, hint, at }: Finding, document: ParsedDocument, file: string): Problem {
  const position = document.positionOf(path, at ?? "value");
  return { severity, path: formatPath(path), message, ...(hint !== undefined && { hint }), file, position };
}

function comparePositions(a: Problem, b: Problem): number {
  const [from, to] = [a.position, b.position];
  if (from === undefined || to === undefined) return 0;
  return from.line - to.line || from.column - to.column;
}

function readBounded(path: string): string {
  if (statSync(path).size > MAX_FILE_BYTES) throw new Error("the file is larger than 1 MiB");
  return readFileSync(path, "utf8");
}
