import {
  type Alias,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Position } from "../core/problem.ts";
import type { Path } from "./finding.ts";
import { type ParseResult, refused, type SyntaxFault } from "./parsed-document.ts";
import { offsetOf, type Place } from "./place.ts";
import { valueAt } from "./values.ts";

/**
 * Reads a document by the YAML library, at a twentieth of the speed of `readPlain`: it knows all
 * forms and all places.
 */
export function parseYaml(text: string): ParseResult {
  try {
    return readYaml(text);
  } catch (cause) {
    // The YAML parser recurses: only nesting of thousands of levels gets here.
    if (!(cause instanceof RangeError)) throw cause;
    return refused({ message: TOO_DEEP, position: { line: 1, column: 1 } });
  }
}

/**
 * The one entry of a mapping or a list, as it is read in a document; its place is within this text.
 * `other` where anything is to be said of it, or it needs what is not in it, and where.
 */
export function readEntry(text: string, key: string | number): ReadEntry {
  const explicit = EXPLICIT_KEY.exec(text);
  if (explicit !== null) return { kind: "other", at: explicit.index + explicit[0].length - 1 };
  let at: number | undefined;
  const positionAt = (offset: number): Position => {
    at ??= offset;
    return { line: 1, column: 1 };
  };
  try {
    const yaml = parseDocument(text, { uniqueKeys: false, prettyErrors: false });
    const [wrong] = [...yaml.errors, ...yaml.warnings];
    if (wrong !== undefined) return { kind: "other", at: wrong.pos[0] };
    // A rule is in a list that is in a mapping.
    const reading = openReading(positionAt, key === 0 ? 1 : 0);
    const { value: root, place } = readNode(yaml.contents, 0, reading);
    const entry = place.children.get(key);
    const isAll = Array.isArray(root) === (key === 0) && place.children.size === 1;
    if (!isAll || entry === undefined || reading.faults.length > 0 || reading.expanded > MOST_EXPANDED)
      return { kind: "other", at: at ?? 0 };
    const value = valueAt(root, key);
    const comment = key !== 0 && typeof value !== "object" ? text.search(COMMENT_AT_START) : -1;
    return comment === -1 ? { kind: "entry", value, place: entry } : { kind: "other", at: comment };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    return { kind: "other", at: 0 };
  }
}

type ReadEntry = ({ readonly kind: "entry" } & ReadValue) | { readonly kind: "other"; readonly at: number };

/** Behind it the library takes lines that follow for its own, however they are indented. */
const EXPLICIT_KEY = /^[ -]*\?/mu;

/** Below it the library takes more than there is for a section's text, up to the next colon. */
const COMMENT_AT_START = /^#/mu;

/** Values that aliases may add to one rule: those of all together are no bomb. */
const MOST_EXPANDED = 100;

const TOO_DEEP = "the document is nested too deeply";
/**
 * The parser tells it so, too, where it catches its own fault, and then of what it met without a
 * stack.
 */
const NO_STACK = /Maximum call stack size exceeded|Stack overflow/u;

/** One unclosed bracket makes an error of every line that follows. */
const MAX_SYNTAX_FAULTS = 20;

function readYaml(text: string): ParseResult {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => toPosition(lines, offset);
  // Keys given twice are found in readTree: the parser compares each key with all before it.
  const yaml = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, stringKeys: false });
  const faults = [...yaml.errors, ...yaml.warnings].slice(0, MAX_SYNTAX_FAULTS).map((error) => ({
    message: NO_STACK.test(error.message) ? TOO_DEEP : (SYNTAX_WORDS[error.code] ?? firstLine(error.message)),
    ...(SYNTAX_HINTS[error.code] !== undefined && { hint: SYNTAX_HINTS[error.code] }),
    position: positionAt(error.pos[0]),
  }));
  const tooDeep = faults.find(({ message }) => message === TOO_DEEP);
  if (tooDeep !== undefined) return refused(tooDeep);
  if (faults.length > 0) return { ok: false, faults };
  const tree = readTree(yaml.contents, positionAt);
  const places = { offsetOf: (path: Path, at: "key" | "value") => offsetOf(tree.place, path, at), positionAt };
  return { ok: true, document: { root: tree.root, ...places, isPlain: false }, faults: tree.faults };
}

/** Where the parser's words are for who programs with it. */
const SYNTAX_WORDS: Readonly<Record<string, string>> = { MULTIPLE_DOCS: "there is more than one document" };

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "indent with spaces",
  MULTIPLE_DOCS: "one file is one document: remove the line ---",
  TAG_RESOLVE_FAILED: "tags such as !name are not used here; put the text in quotes",
};

function firstLine(message: string): string {
  return message.split("\n")[0] ?? message;
}

function toPosition(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/**
 * Plain values of a YAML tree and their places. Aliases are followed, within a bound; merge keys
 * `<<` are merged.
 */
function readTree(contents: Node | null, positionAt: Reading["positionAt"]) {
  const reading = openReading(positionAt, 0);
  const { value, place } = readNode(contents, 0, reading);
  return { root: value, place, faults: reading.faults };
}

function openReading(positionAt: Reading["positionAt"], depth: number): Reading {
  return { positionAt, anchors: new Map(), open: new Set(), inAlias: 0, expanded: 0, depth, faults: [] };
}

/** Values that aliases may add to a document: far more than any real one, far less than a bomb. */
const MAX_EXPANDED = 100_000;
const MAX_DEPTH = 64;
const MAX_FAULTS = 100;

interface Reading {
  readonly positionAt: (offset: number) => Position;
  readonly anchors: Map<string, Node>;
  /** Anchored nodes that are being read: an alias to one of them would never end. */
  readonly open: Set<Node>;
  inAlias: number;
  expanded: number;
  depth: number;
  readonly faults: SyntaxFault[];
}

interface ReadValue {
  readonly value: unknown;
  readonly place: Place;
}

function readNode(node: unknown, parentAt: number, reading: Reading): ReadValue {
  const offset = isNode(node) ? (node.range?.[0] ?? parentAt) : parentAt;
  const place: Place = { valueAt: offset, keyAt: undefined, children: new Map() };
  if (!isNode(node)) return { value: null, place };
  if (isAlias(node)) return readAlias(node, place, reading);
  if (reading.inAlias > 0 && ++reading.expanded > MAX_EXPANDED) {
    if (reading.expanded === MAX_EXPANDED + 1) add(reading, offset, "aliases (*name) stand for too many values");
    return { value: null, place };
  }
  if (reading.inAlias === 0 && (isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined)
    reading.anchors.set(node.anchor, node);
  if (isScalar(node)) return { value: scalarValue(node, offset, reading), place };
  return { value: readCollection(node, place, reading), place };
}

function readCollection(node: Node, place: Place, reading: Reading): unknown {
  if (++reading.depth > MAX_DEPTH) {
    reading.depth--;
    add(reading, place.valueAt, `nested more than ${MAX_DEPTH} levels deep`);
    return null;
  }
  reading.open.add(node);
  const value = isMap(node) ? readMap(node, place, reading) : isSeq(node) ? readSeq(node, place, reading) : null;
  reading.open.delete(node);
  reading.depth--;
  return value;
}

function readSeq(node: YAMLSeq, place: Place, reading: Reading): unknown[] {
  return node.items.map((item, i) => {
    const read = readNode(item, place.valueAt, reading);
    place.children.set(i, read.place);
    return read.value;
  });
}

function readMap(node: YAMLMap, place: Place, reading: Reading): Record<string, unknown> {
  const map: Record<string, unknown> = {};
  const merges: ReadValue[] = [];
  for (const pair of node.items) {
    const keyAt = isNode(pair.key) ? (pair.key.range?.[0] ?? place.valueAt) : place.valueAt;
    const key = readKey(pair.key, keyAt, reading);
    if (key === undefined) continue;
    const before = place.children.get(key);
    if (before !== undefined) {
      const firstAt = before.keyAt ?? before.valueAt;
      const hint = `first on line ${reading.positionAt(firstAt).line}`;
      add(reading, keyAt, `the key "${key}" is given twice`, hint);
      continue;
    }
    const read = readNode(pair.value, keyAt, reading);
    if (key === "<<") {
      merges.push(read);
      continue;
    }
    map[key] = read.value;
    place.children.set(key, { ...read.place, keyAt });
  }
  for (const merge of merges) mergeInto(map, place, merge, reading);
  return map;
}

/** YAML's merge key: what the mapping has itself wins, then what is merged first. */
function mergeInto(map: Record<string, unknown>, place: Place, merge: ReadValue, reading: Reading): void {
  const sources = Array.isArray(merge.value) ? [...merge.place.children.values()] : [merge.place];
  const values: unknown[] = Array.isArray(merge.value) ? merge.value : [merge.value];
  for (const [i, value] of values.entries()) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      add(reading, merge.place.valueAt, "the merge key << takes a mapping, or a list of mappings");
      continue;
    }
    for (const [key, entry] of Object.entries(value)) {
      if (Object.hasOwn(map, key)) continue;
      map[key] = entry;
      const from = sources[i]?.children.get(key);
      if (from !== undefined) place.children.set(key, from);
    }
  }
}

function readKey(key: unknown, offset: number, reading: Reading): string | undefined {
  if (!isScalar(key)) {
    add(reading, offset, "a key must be a text");
    return undefined;
  }
  const text = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
  if (text !== "__proto__") return text;
  add(reading, offset, `the key "${text}" is not allowed`);
  return undefined;
}

function readAlias(node: Alias, place: Place, reading: Reading): ReadValue {
  const target = reading.anchors.get(node.source);
  if (target === undefined || reading.open.has(target)) {
    const message =
      target === undefined ? `there is no anchor &${node.source} before this` : `*${node.source} contains itself`;
    add(reading, place.valueAt, message);
    return { value: null, place };
  }
  reading.inAlias++;
  const read = readNode(target, place.valueAt, reading);
  reading.inAlias--;
  return read;
}

function scalarValue(node: Scalar, offset: number, reading: Reading): unknown {
  const { value, source } = node;
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return source !== undefined && /^[-+]?\d+$/u.test(source) ? BigInt(source) : value;
  }
  if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return value;
  add(reading, offset, "this kind of value is not used here", "write a text, a number, true or false");
  return null;
}

function add(reading: Reading, offset: number, message: string, hint?: string): void {
  if (reading.faults.length >= MAX_FAULTS) return;
  reading.faults.push({ message, ...(hint !== undefined && { hint }), position: reading.positionAt(offset) });
}
