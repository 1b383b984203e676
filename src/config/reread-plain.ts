import { isDeepStrictEqual } from "node:util";
import { commonEnds } from "../core/common-ends.ts";
import { derivedList } from "../core/derived-list.ts";
import { lowerBound } from "../core/lower-bound.ts";
import type { PlainDocument } from "./parsed-document.ts";
import { PlainReader } from "./plain-reader.ts";
import { NOT_PLAIN } from "./plain-tokens.ts";
import { valuesOf } from "./values.ts";

/**
 * As `readPlain`, for a text that differs from another in a few rules: only these are read, and all
 * other values are the same objects. Undefined where it cannot be seen that it is so.
 */
export function rereadPlain(known: PlainDocument, text: string): PlainDocument | undefined {
  if (text === known.text) return known;
  const { root, ruleStarts: starts } = known;
  const before = valuesOf(root)?.["rules"];
  if (starts === undefined || !Array.isArray(before)) return undefined;
  const [head, tail] = commonEnds(known.text, text);
  const from = firstRead(known, head);
  const to = firstFrom(starts, known.text.length - tail);
  if (from === -1 || to === starts.length) return undefined;
  const grown = text.length - known.text.length;
  const isLast = to === before.length;
  const start = starts[from]!;
  // What follows the last one may belong to a text of several lines, if it is one now.
  const end = isLast && !known.isFlow ? nextContent(text, starts[to]! + grown) : starts[to]! + grown;
  if (end - start > MOST_READ) return undefined;
  const part = copyText(text.slice(start, end));
  if (NOT_PLAIN.test(part) || !isWhole(part, known.isFlow, known.isFlow ? isLast : end === text.length))
    return undefined;
  const read = new PlainReader(known.isFlow ? `${part}]` : part).entries(known.isFlow ? undefined : columnOf(known));
  if (read === undefined) return undefined;
  // One that was only looked back to stays the same object.
  if (to > from && isDeepStrictEqual(read.items[0], before[from])) read.items[0] = before[from];
  const rules = derivedList(before, from, to - from, read.items);
  if (rules.length === 0) return undefined; // without a dash it is no list any more
  return {
    text,
    isFlow: known.isFlow,
    root: { ...valuesOf(root), rules },
    ruleStarts: startsOf(starts, { from, to, grown }, read, start),
  };
}

/** Where the entries begin: those that stay, before and after what was read, and those in it. */
function startsOf(
  starts: readonly number[],
  { from, to, grown }: { readonly from: number; readonly to: number; readonly grown: number },
  read: { readonly starts: readonly number[]; readonly end: number | undefined },
  start: number,
): readonly number[] {
  const all = starts.toSpliced(from, to - from, ...read.starts);
  const next = from + read.starts.length;
  for (let i = from; i < next; i++) all[i]! += start;
  for (let i = next; i < all.length; i++) all[i]! += grown;
  if (next === all.length - 1 && read.end !== undefined) all[next] = start + read.end;
  return all;
}

/**
 * The first entry that may say something else when the texts have so much in common. What is put
 * where an entry began may belong to a text of several lines that the one before ends with. In
 * brackets a comma may be missing behind the last entry, so that this is read, too.
 */
function firstRead({ text, isFlow, ruleStarts: starts = [] }: PlainDocument, head: number): number {
  const found = firstFrom(starts, head + 1) - 1;
  if (isFlow) return Math.min(found, Math.max(0, starts.length - 2));
  const isInside = found < starts.length - 1 && head > text.indexOf("-", starts[found]) + 1;
  if (found <= 0 || isInside) return found;
  if (text[starts[found]! - 1] !== "\n") return found - 1; // the end, and the line may go on
  return /[|>]/u.test(text.slice(starts[found - 1], starts[found])) ? found - 1 : found;
}

/** The place of the first one at the offset or behind it; `starts` grow. */
function firstFrom(starts: readonly number[], offset: number): number {
  return lowerBound(starts.length, (place) => starts[place]! < offset);
}

/** Past comments and empty lines: where another line begins, or the end. */
export function nextContent(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const end = text.indexOf("\n", at);
    const next = end === -1 ? text.length : end + 1;
    if (!/^ *(?:#|\r?\n?$)/u.test(text.slice(at, next))) break;
    at = next;
  }
  return at;
}

/** A piece of a text holds all of it, and so do the values that are read of it. */
function copyText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it is what it was
}

/** Where more differs, nothing is won. */
const MOST_READ = 65_536;

/** Entries that end where others can follow. `isLast`: the list, or the text, ends there. */
function isWhole(part: string, isFlow: boolean, isLast: boolean): boolean {
  return isLast || (isFlow ? /,\s*$/u.test(part) : part === "" || part.endsWith("\n"));
}

/** Of the dashes of the rules. */
function columnOf({ text, ruleStarts }: PlainDocument): number {
  const start = ruleStarts?.[0] ?? 0;
  return text.indexOf("-", start) - start;
}
