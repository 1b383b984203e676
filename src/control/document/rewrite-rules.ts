import { isDeepStrictEqual } from "node:util";
import { rulePlacesOf } from "../../config/document.ts";
import { nextContent } from "../../config/reread-plain.ts";
import { valuesOf } from "../../config/values.ts";
import { commonItems } from "../../core/common-ends.ts";
import { type Change, type LineEnds, lineEndsOf } from "./rewriting.ts";

/** Makes a text, or a part of one, that says `before` say `next`. */
export type RewriteText = (text: string, before: unknown, next: unknown, form?: PartForm) => string | undefined;

/** What cannot be seen in a part of a text. */
export interface PartForm {
  /** What it is indented by, where it is JSON. */
  readonly unit?: string | undefined;
  readonly lineEnds: LineEnds;
}

/** More of them are as dear as all. */
const MOST_RULES = 20;

/**
 * When only rules of the document that was read last differ, and few: what stands there of them is
 * rewritten by itself, with the rules next to them. Undefined where that is not so. The result is
 * to be read: it may not say what it must.
 */
export function rewriteRules(text: string, { before, next }: Change, rewrite: RewriteText): string | undefined {
  const places = rulePlacesOf(text);
  const { rules: was, ...others } = valuesOf(before) ?? {};
  const { rules: is, ...nextOthers } = valuesOf(next) ?? {};
  if (places === undefined || !Array.isArray(was) || !Array.isArray(is)) return undefined;
  if (was.length + 1 !== places.starts.length || !isDeepStrictEqual(others, nextOthers)) return undefined;
  const { head, tail } = commonItems<unknown>(was, is);
  const from = Math.max(0, head - 1);
  const left = Math.max(0, tail - 1);
  const to = was.length - left;
  if (head + tail === 0 || to - from > MOST_RULES) return undefined;
  const part = { from, to, before: was.slice(from, to), next: is.slice(from, is.length - left) };
  return places.isFlow
    ? rewriteInBrackets(text, places.starts, part, rewrite)
    : rewriteLines(text, places.starts, part, rewrite);
}

/**
 * Whether two documents say the same. Of lists of rules that were made of one another only those
 * are compared that are not known to be the same.
 */
export function isSameRoot(a: unknown, b: unknown): boolean {
  const { rules: was, ...others } = valuesOf(a) ?? {};
  const { rules: is, ...otherOthers } = valuesOf(b) ?? {};
  if (!Array.isArray(was) || !Array.isArray(is)) return isDeepStrictEqual(a, b);
  if (was.length !== is.length || !isDeepStrictEqual(others, otherOthers)) return false;
  const { head, tail } = commonItems<unknown>(was, is, (one, other) => one === other || isDeepStrictEqual(one, other));
  return head + tail === was.length;
}

/** Entries of the list, from one place to another. */
interface RulesPart extends Change {
  readonly from: number;
  readonly to: number;
}

function rewriteLines(
  text: string,
  starts: readonly number[],
  { from, to, before, next }: RulesPart,
  rewrite: RewriteText,
): string | undefined {
  const start = starts[from]!;
  const end = to < starts.length - 1 ? starts[to]! : nextContent(text, starts[to]!);
  const part = rewrite(text.slice(start, end), before, next, { lineEnds: lineEndsOf(text) });
  return part === undefined ? undefined : text.slice(0, start) + part + text.slice(end);
}

/** With the space before the first: it tells how they are indented. */
function rewriteInBrackets(
  text: string,
  starts: readonly number[],
  { from, to, before, next }: RulesPart,
  rewrite: RewriteText,
): string | undefined {
  const start = spaceBefore(text, starts[from]!);
  const end = to < starts.length - 1 ? text.lastIndexOf(",", starts[to]) : starts[to]!;
  const list = `[${text.slice(start, end)}]`;
  const unit = isJson(list) ? jsonUnitOf(text) : undefined;
  const part = rewrite(list, before, next, { unit, lineEnds: lineEndsOf(text) });
  return part === undefined ? undefined : text.slice(0, start) + part.slice(1, -1) + text.slice(end);
}

function spaceBefore(text: string, offset: number): number {
  let at = offset;
  while (at > 0 && /\s/u.test(text[at - 1] ?? "")) at--;
  return at;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Of JSON: what its lines are indented by; empty when all stands on one line. */
export function jsonUnitOf(text: string): string {
  return text.includes("\n") ? (/\n([ \t]+)/u.exec(text)?.[1] ?? "  ") : "";
}
