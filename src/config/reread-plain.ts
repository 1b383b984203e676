import { NOT_PLAIN, type PlainDocument, PlainReader } from "./plain-document.ts";
import { valuesOf } from "./values.ts";

const PAGE = 4_096;

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
  const part = text.slice(start, starts[to]! + grown);
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
    ruleStarts: [
      ...starts.slice(0, from),
      ...read.starts.map((at) => at + start),
      ...starts.slice(to).map((at) => at + grown),
    ],
  };
}

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

/** How much two texts have in common at both ends; never the same characters twice. */
function commonEnds(a: string, b: string): [head: number, tail: number] {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a.startsWith(b.slice(head, head + PAGE), head)) head += PAGE;
  head = Math.min(head, most);
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a.endsWith(b.slice(-tail - PAGE, b.length - tail), a.length - tail)) tail += PAGE;
  tail = Math.min(tail, most - head);
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return [head, tail];
}
