import type { Position } from "../core/problem.ts";
import { Lines } from "./lines.ts";
import { type ParsedDocument, type ParseResult, type PlainDocument, refused } from "./parsed-document.ts";
import { readPlain } from "./plain-document.ts";
import { offsetsIn } from "./plain-places.ts";
import { rereadPlain } from "./reread-plain.ts";
import { parseYaml } from "./yaml-document.ts";

/**
 * Reads YAML 1.2, and so JSON; a byte order mark is passed over. `ok: false` when the syntax is
 * broken, so that nothing more can be said; faults of a document that can be read (a key given
 * twice) come along with it.
 */
export function parseText(written: string): ParseResult {
  const text = withoutMark(written);
  const start = { line: 1, column: 1 };
  if (text.length > MAX_DOCUMENT_BYTES / MOST_BYTES && Buffer.byteLength(text) > MAX_DOCUMENT_BYTES)
    return refused({ message: "the document is larger than 16 MiB", position: start });
  const unreadable = text.indexOf(REPLACEMENT);
  if (unreadable >= 0) return refused({ ...NOT_UTF8, position: positionIn(text, unreadable) });
  const plain = rereadRecent(text) ?? remember(readPlain(text));
  if (plain === undefined) return parseYaml(text);
  const { root, ruleStarts } = plain;
  const document = { root, ...placesIn(plain), isPlain: ruleStarts !== undefined };
  return { ok: true, document, faults: [] };
}

/** Of a text that begins with a byte order mark, the rest. */
export function withoutMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(BYTE_ORDER_MARK.length) : text;
}

export const BYTE_ORDER_MARK = "\uFEFF";

/** Places are looked for when something is to be said, which is seldom. */
function placesIn(plain: PlainDocument): Pick<ParsedDocument, "offsetOf" | "positionAt"> {
  const lines = new Lines(plain.text);
  return { offsetOf: offsetsIn(plain), positionAt: (offset) => lines.positionAt(offset) };
}

/**
 * Whether reading it takes little: it is short, or differs in a few rules from what was read last.
 */
export function isQuickToRead(text: string): boolean {
  return text.length <= SHORT || rereadRecent(withoutMark(text)) !== undefined;
}

/** The same for a document that is the first: what is read of it is remembered. */
export function isPlain(written: string): boolean {
  const text = withoutMark(written);
  return (rereadRecent(text) ?? remember(readPlain(text))) !== undefined;
}

/**
 * Of the document that was read last, when this is it: where its rules begin, and where the last
 * one ends, a byte order mark not counted; `isFlow`: between brackets, as in JSON.
 */
export function rulePlacesOf(
  written: string,
): { readonly starts: readonly number[]; readonly isFlow: boolean } | undefined {
  const text = withoutMark(written);
  if (recent?.text !== text || recent.ruleStarts === undefined) return undefined;
  return { starts: recent.ruleStarts, isFlow: recent.isFlow };
}

/** Texts of this length are read in a few milliseconds, and not remembered. */
const SHORT = 65_536;

/**
 * The long document that was read last: of the next, which most often differs in one rule, all that
 * is the same stays the same objects, so that whoever checks or compiles them knows them.
 */
let recent: PlainDocument | undefined;
/** The one before, while V8 keeps it: what runs and what may run next are read in turns. */
let earlier: WeakRef<PlainDocument> | undefined;

function rereadRecent(text: string): PlainDocument | undefined {
  if (recent === undefined || text.length <= SHORT) return undefined;
  const other = earlier?.deref();
  return remember(other?.text === text ? other : rereadPlain(recent, text));
}

function remember(plain: PlainDocument | undefined): PlainDocument | undefined {
  if (plain === undefined || plain === recent || plain.text.length <= SHORT) return plain;
  earlier = recent && new WeakRef(recent);
  recent = plain;
  return plain;
}

/** What decoders put in the place of bytes that are no UTF-8. */
const REPLACEMENT = "\uFFFD";
const NOT_UTF8 = {
  message: "the document has bytes that are no UTF-8",
  hint: 'save it as UTF-8; where the character U+FFFD is meant, write "\\uFFFD"',
};

function positionIn(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Of a document as it is written. */
export const MAX_DOCUMENT_BYTES = 16 * 1_024 * 1_024;
/** Of one UTF-16 unit. */
const MOST_BYTES = 3;
