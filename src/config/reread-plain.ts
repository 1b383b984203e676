import { commonEnds } from "../core/common-ends.ts";
import { NOT_PLAIN, type PlainDocument, PlainReader } from "./plain-document.ts";
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
  const found = starts.findLastIndex((start) => start <= head);
  // In brackets a comma may be missing behind the last entry, so that this is read, too.
  const from = known.isFlow ? Math.min(found, Math.max(0, before.length - 1)) : found;
  const to = starts.findIndex((start) => start >= known.text.length - tail);
  if (from === -1 || to === -1) return undefined;
  const grown = text.length - known.text.length;
  const start = starts[from]!;
  const end = starts[to]! + grown;
  if (end - start > MOST_READ) return undefined;
  const part = copyText(text.slice(start, end));
  const isLast = to === before.length;
  if (NOT_PLAIN.test(part) || !isWhole(part, known.isFlow, isLast)) return undefined;
  const read = new PlainReader(known.isFlow ? `${part}]` : part).entries(known.isFlow ? undefined : columnOf(known));
  if (read === undefined) return undefined;
  const rules = before.toSpliced(from, to - from, ...read.items);
  if (rules.length === 0) return undefined; // without a dash it is no list any more
  return {
    text,
    isFlow: known.isFlow,
    root: { ...valuesOf(root), rules },
    ruleStarts: startsOf(starts, { from, to, grown }, read.starts, start),
  };
}

/** Where the entries begin: those that stay, before and after what was read, and those in it. */
function startsOf(
  starts: readonly number[],
  { from, to, grown }: { readonly from: number; readonly to: number; readonly grown: number },
  read: readonly number[],
  start: number,
): readonly number[] {
  const all = starts.toSpliced(from, to - from, ...read);
  for (let i = 0; i < read.length; i++) all[from + i]! += start;
  for (let i = from + read.length; i < all.length; i++) all[i]! += grown;
  return all;
}

/** A piece of a text holds all of it, and so do the values that are read of it. */
function copyText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string; // oxlint-disable-line typescript/no-unsafe-type-assertion -- it is what it was
}

/** Where more differs, nothing is won. */
const MOST_READ = 65_536;

/** Entries that end where others, or the end of the list, can follow. */
function isWhole(part: string, isFlow: boolean, isLast: boolean): boolean {
  if (isFlow) return isLast || /,\s*$/u.test(part);
  return part === "" || part.endsWith("\n") || isLast;
}

/** Of the dashes of the rules. */
function columnOf({ text, ruleStarts }: PlainDocument): number {
  const start = ruleStarts?.[0] ?? 0;
  return text.indexOf("-", start) - start;
}
