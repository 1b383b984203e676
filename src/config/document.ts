import { LineCounter, parseDocument } from "yaml";
import type { Position } from "../core/problem.ts";
import type { Path } from "./finding.ts";
import { readTree } from "./tree.ts";

/** Where a value stands, and the values below it; offsets into the text. */
export interface Place {
  readonly valueAt: number;
  readonly keyAt: number | undefined;
  readonly children: Map<string | number, Place>;
}

/** A document as plain values, with the place of each. */
export interface ParsedDocument {
  /** Plain values: mappings are objects, whole numbers beyond 2^53 are bigint. */
  readonly root: unknown;
  /** Place of the value at the path, or of its key, or of the nearest thing above it that is there. */
  positionOf(path: Path, at: "key" | "value"): Position;
}

export interface SyntaxFault {
  readonly message: string;
  readonly hint?: string;
  readonly position: Position;
}

export type ParseResult =
  | { readonly ok: true; readonly document: ParsedDocument; readonly faults: readonly SyntaxFault[] }
  | { readonly ok: false; readonly faults: readonly SyntaxFault[] };

/**
 * Reads YAML 1.2, and so JSON. `ok: false` when the syntax is broken, so that nothing more can be said;
 * faults of a document that can be read (a key given twice) come along with it.
 */
export function parseText(text: string): ParseResult {
  const start = { line: 1, column: 1 };
  if (Buffer.byteLength(text) > MAX_BYTES)
    return refused({ message: "the document is larger than 16 MiB", position: start });
  try {
    return parseYaml(text);
  } catch (cause) {
    // The YAML parser recurses: only nesting of thousands of levels gets here.
    if (!(cause instanceof RangeError)) throw cause;
    return refused({ message: TOO_DEEP, position: start });
  }
}

const TOO_DEEP = "the document is nested too deeply";
/** The parser tells it so, too, where it catches its own fault, and then of what it met without a stack. */
const NO_STACK = /Maximum call stack size exceeded|Stack overflow/u;

const MAX_BYTES = 16 * 1_024 * 1_024;
/** One unclosed bracket makes an error of every line that follows. */
const MAX_SYNTAX_FAULTS = 20;

function parseYaml(text: string): ParseResult {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => toPosition(lines, offset);
  // Keys given twice are found in readTree: the parser compares each key with all before it.
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, stringKeys: false });
  const faults = [...yaml.errors, ...yaml.warnings].slice(0, MAX_SYNTAX_FAULTS).map((error) => ({
    message: NO_STACK.test(error.message) ? TOO_DEEP : firstLine(error.message),
    ...(SYNTAX_HINTS[error.code] !== undefined && { hint: SYNTAX_HINTS[error.code] }),
    position: positionAt(error.pos[0]),
  }));
  const tooDeep = faults.find(({ message }) => message === TOO_DEEP);
  if (tooDeep !== undefined) return refused(tooDeep);
  if (faults.length > 0) return { ok: false, faults };
  const tree = readTree(yaml.contents);
  const treeFaults = tree.faults.map(({ message, hint, offset }) => ({
    message,
    ...(hint !== undefined && { hint: hint(positionAt) }),
    position: positionAt(offset),
  }));
  const positionOf = (path: Path, at: "key" | "value"): Position => positionAt(offsetOf(tree.place, path, at));
  return { ok: true, document: { root: tree.root, positionOf }, faults: treeFaults };
}

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "one file is one document: remove the line ---",
  TAG_RESOLVE_FAILED: "tags such as !name are not used here; put the text in quotes",
};

function refused(fault: SyntaxFault): ParseResult {
  return { ok: false, faults: [fault] };
}

function firstLine(message: string): string {
  return message.split("\n")[0] ?? message;
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

function offsetOf(root: Place, path: Path, at: "key" | "value"): number {
  let place = root;
  for (const part of path) {
    const child = place.children.get(part);
    if (child === undefined) return place.valueAt;
    place = child;
  }
  return at === "key" ? (place.keyAt ?? place.valueAt) : place.valueAt;
}
