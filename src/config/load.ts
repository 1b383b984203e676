import { dirname, resolve } from "node:path";
import { reasonOf } from "../core/errors.ts";
import { readBounded } from "../core/read-bounded.ts";
import type { Problem } from "../core/problem.ts";
import { checkSchema } from "./check-schema.ts";
import { MAX_DOCUMENT_BYTES, parseText } from "./document.ts";
import { type ParsedDocument, positionOf, type SyntaxFault } from "./parsed-document.ts";
import { caution, fault, type Finding, formatPath, isWithin } from "./finding.ts";
import { slowToChange } from "./not-plain.ts";
import { expandPluginStrategies, normalise } from "./normalise.ts";
import { readPemFiles } from "./pem.ts";
import type { Config, SchemaDocument } from "./schema/config.ts";
import { type Sources, substitute } from "./substitute.ts";
import { rememberTaints, type Taint } from "./taint.ts";
import { findUnavailable } from "./unavailable.ts";
import { untold } from "./untold.ts";
import { isValues, valueAt, valuesOf } from "./values.ts";
import { besideStore } from "./validate/beside-store.ts";
import { validate } from "./validate.ts";

export interface LoadOptions extends Sources {
  /** The name of the file, for problems. */
  readonly file: string;
  /** Of a document that is a fleet's: where `node` is from, which it may not have itself. */
  readonly own?: NodeFile | undefined;
  /**
   * Whether problems say at which line and column they are; default: they do. To count the lines of
   * a long text takes some milliseconds.
   */
  readonly positions?: boolean | undefined;
}

/** A node's own file, of which only `node` counts beside a fleet's config. */
interface NodeFile {
  readonly file: string;
  readonly text: string;
}

export interface LoadResult {
  /** Undefined exactly when there is an error among the problems, or something was left unread. */
  readonly config: Config | undefined;
  /** In the order of the file. */
  readonly problems: Problem[];
}

/** Reads a config from its text; everything that is wrong with it is told at once. Never throws. */
export function loadConfig(text: string, options: LoadOptions): LoadResult {
  const parsed = parseText(text);
  const faults = parsed.faults.map((syntax) => fromSyntax(syntax, options.file));
  if (!parsed.ok) return { config: undefined, problems: faults };
  if (isEmpty(parsed.document.root)) return { config: undefined, problems: [...faults, emptyFile(options.file)] };
  const slow = slowToChange(text, parsed.document, options.file);
  if (options.own !== undefined) return loadBeside(options.own, parsed.document, [...faults, ...slow], options);
  const { config, findings: found } = check(parsed.document.root, options);
  const findings = besideStore(parsed.document.root, found);
  const placed = inOrder(findings, parsed.document).map((one) => toProblem(one, parsed.document, options));
  const problems = [...faults, ...placed, ...slow];
  problems.sort((a, b) => comparePositions(a, b));
  return { config: faults.length > 0 ? undefined : config, problems };
}

/** The fleet's document with the `node` of a node's own file. */
function loadBeside(own: NodeFile, fleet: ParsedDocument, faults: Problem[], options: LoadOptions): LoadResult {
  const parsed = parseText(own.text);
  const all = [...faults, ...parsed.faults.map((syntax) => fromSyntax(syntax, own.file))];
  if (!parsed.ok) return { config: undefined, problems: all };
  const { node: foreign, ...rest } = valuesOf(fleet.root) ?? {};
  if (foreign !== undefined) all.push(toProblem(fault(["node"], NOT_THE_FLEETS, NODE_HINT), fleet, options));
  const root = isValues(fleet.root) ? { ...rest, node: valueAt(parsed.document.root, "node") ?? {} } : fleet.root;
  const { config, findings } = check(root, options);
  for (const finding of findings) {
    const isOwn = finding.path[0] === "node";
    all.push(isOwn ? toProblem(finding, parsed.document, own) : toProblem(finding, fleet, options));
  }
  return { config: all.some(({ severity }) => severity === "error") ? undefined : config, problems: all };
}

const NOT_THE_FLEETS = "is one node's own, and no part of what a fleet runs";
const NODE_HINT = "leave it out; each node has its own in its config file";

/**
 * Reads a config file; paths in it start at its folder. A file that cannot be read is a problem,
 * too.
 */
export function loadConfigFile(path: string, { env }: Pick<LoadOptions, "env">): LoadResult {
  let text: string;
  try {
    text = readBounded(path, MAX_DOCUMENT_BYTES).toString();
  } catch (cause) {
    return { config: undefined, problems: [{ severity: "error", path: "", message: reasonOf(cause), file: path }] };
  }
  return loadConfig(text, { file: path, env, ...filesFrom(dirname(path)) });
}

/** The files that a config names, from the folder where their paths start. */
export function filesFrom(folder: string): Required<Pick<Sources, "readFile" | "resolvePath">> {
  const resolvePath = (name: string): string => resolve(folder, name);
  return { resolvePath, readFile: (name) => readBounded(resolvePath(name), MAX_FILE_BYTES).toString() };
}

const MINIMAL_HINT = "the smallest config is  targets: [{ id: tempo, endpoint: http://127.0.0.1:14317 }]";
/** Certificates and tokens are small: what is larger is a mistake. */
const MAX_FILE_BYTES = 1_024 * 1_024;

interface CheckedDocument {
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

function check(text: unknown, sources: Sources): CheckedDocument {
  const substituted = substitute(text, sources);
  const pem = readPemFiles(substituted.root, sources);
  const unread = [...substituted.unread, ...pem.unread];
  const taints = [...substituted.taints, ...pem.taints];
  const { document, steps } = examine(pem.root);
  const kept = keepFirst([...substituted.findings, ...pem.findings], ...steps).filter(
    ({ path }) => !unread.some((opaque) => isWithin(path, opaque)),
  );
  const isUsable =
    document !== undefined && unread.length === 0 && kept.every(({ severity }) => severity === "warning");
  const config = isUsable ? normalise(document, sources.resolvePath ?? resolve) : undefined;
  if (config !== undefined) rememberTaints(config, taints);
  const reading = [...substituted.findings, ...pem.findings];
  const findings = untold(kept, taints, (instead) => {
    const root = instead === undefined ? substituted.written : putAt(substituted.written, taints, instead);
    return [...reading, ...examine(root).steps.flat()];
  });
  return { config, findings: unread.length === 0 ? findings : [...findings, notRead(unread.length)] };
}

/** What is wrong with values of which all is known. */
function examine(written: unknown): { document: SchemaDocument | undefined; steps: readonly (readonly Finding[])[] } {
  const root = expandPluginStrategies(written);
  const { document, findings } = checkSchema(root);
  return { document, steps: [findings, validate(root, document), findUnavailable(root)] };
}

function putAt(root: unknown, taints: readonly Taint[], text: string): unknown {
  const tree = structuredClone(root);
  for (const { path } of taints) {
    const holder = valueAt(tree, ...path.slice(0, -1));
    const last = path.at(-1);
    if (typeof holder === "object" && holder !== null && last !== undefined) Reflect.set(holder, last, text);
  }
  return tree;
}

function notRead(count: number): Finding {
  const what = count === 1 ? "1 value from elsewhere was" : `${count} values from elsewhere were`;
  const hint = "references and files are read for the role admin only";
  return caution([], `${what} not read, and so not checked`, hint);
}

/**
 * All findings of all steps, but of a later step only what is not a consequence of an earlier one:
 * an error at or below a place silences later warnings there, and later errors at the same place.
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
  return { severity: "error", path: "", ...inOneLine(message, hint), file, position };
}

function toProblem(
  { severity, path, message, hint, at }: Finding,
  document: ParsedDocument,
  { file, positions = true }: Pick<LoadOptions, "file" | "positions">,
): Problem {
  const problem: Problem = { severity, path: formatPath(path), ...inOneLine(message, hint), file };
  return positions ? { ...problem, position: positionOf(document, path, at ?? "value") } : problem;
}

/** Of the document. */
function inOrder(findings: readonly Finding[], document: ParsedDocument): readonly Finding[] {
  if (findings.length < 2) return findings;
  const offsets = new Map(findings.map((one) => [one, document.offsetOf(one.path, one.at ?? "value")]));
  return findings.toSorted((a, b) => offsets.get(a)! - offsets.get(b)!);
}

/** What they quote may have line breaks and worse, which logs and terminals obey. */
function inOneLine(message: string, hint: string | undefined): Pick<Problem, "message" | "hint"> {
  const shown = escapeControls(message);
  return hint === undefined ? { message: shown } : { message: shown, hint: escapeControls(hint) };
}

function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => {
    const escaped = JSON.stringify(control).slice(1, -1);
    return escaped === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}` : escaped;
  });
}

function comparePositions(a: Problem, b: Problem): number {
  const [from, to] = [a.position, b.position];
  if (from === undefined || to === undefined) return 0;
  return from.line - to.line || from.column - to.column;
}
