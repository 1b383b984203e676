import { isDeepStrictEqual } from "node:util";
import { isMap, isSeq, parseDocument } from "yaml";
import { BYTE_ORDER_MARK, parseText, withoutMark } from "../../config/document.ts";
import { isInline, type LongTexts, renderBlock, renderFlow, renderJson } from "./render.ts";
import { rewriteBlock } from "./rewrite-block.ts";
import { rewriteFlow } from "./rewrite-flow.ts";
import {
  applySplices,
  breakStart,
  type Change,
  columnOf,
  contentEnd,
  cutLines,
  type Holder,
  isBlock,
  lineEnd,
  lineEndsOf,
  lineStart,
  putLines,
  type Rewriting,
  type Splice,
  withCommentsBelow,
  written,
} from "./rewriting.ts";
import { isJson, isSameRoot, jsonUnitOf, type PartForm, rewriteRules } from "./rewrite-rules.ts";
import { stepsOf } from "./steps.ts";

/**
 * The text of a document (YAML, or JSON, which stays JSON) that says `next`: only what differs is
 * written anew; comments, order and layout of all else stay byte for byte. Undefined when the text
 * cannot be made to say it that way, because an anchor is in between.
 */
export function rewriteText(text: string, next: unknown): string | undefined {
  const parsed = parseText(text);
  return parsed.ok ? rewriteKnown(text, parsed.document.root, next) : undefined;
}

/** As above, when it is known what the text says: reading it takes most of the time. */
export function rewriteKnown(text: string, before: unknown, next: unknown): string | undefined {
  return rewriteFew(text, before, next) ?? rewriteAll(text, before, next);
}

/** As above, but undefined where all of a document would have to be looked at, which takes long. */
export function rewriteFew(text: string, before: unknown, next: unknown): string | undefined {
  if (isSameRoot(before, next)) return text;
  const result = rewriteRules(withoutMark(text), { before, next }, rewriteAll);
  return result !== undefined && says(result, next) ? withMarkOf(text, result) : undefined;
}

/** `form`: of the text that it is a part of. */
function rewriteAll(text: string, before: unknown, next: unknown, form?: PartForm): string | undefined {
  const body = withoutMark(text);
  const json = form?.unit ?? jsonIndentOf(body);
  const lineEnds = form?.lineEnds ?? lineEndsOf(body);
  const { contents } = parseDocument(body, { keepSourceTokens: true, uniqueKeys: false });
  // A comment that is indented deep may become a part of a text above it: then all texts are put in
  // quotes.
  for (const long of ["blocks", "quotes"] as const) {
    const rewriting = openRewriting(body, long, json);
    rewriting.reconcile(contents, { before, next }, { kind: "root" });
    const result = applySplices(body, rewriting.splices, lineEnds);
    if (says(result, next)) return withMarkOf(text, result);
  }
  return undefined;
}

function withMarkOf(text: string, result: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK + result : result;
}

/**
 * The unit of indentation of a text that is JSON; undefined when it is not. Empty when all stands
 * on one line.
 */
export function jsonIndentOf(text: string): string | undefined {
  return isJson(text) ? jsonUnitOf(text) : undefined;
}

/**
 * What anchors and merges do to other places cannot be seen from one place: a result is believed
 * when it says what it must.
 */
function says(text: string, wanted: unknown): boolean {
  const parsed = parseText(text);
  return parsed.ok && parsed.faults.length === 0 && isSameRoot(parsed.document.root, wanted);
}

function openRewriting(text: string, long: LongTexts, json: string | undefined): Rewriting {
  const splices: Splice[] = [];
  const rewriting: Rewriting = {
    text,
    json,
    long,
    splices,
    reconcile: (node, change, holder) => reconcile(node, change, holder, rewriting),
  };
  return rewriting;
}

function reconcile(node: unknown, change: Change, holder: Holder, rewriting: Rewriting): void {
  if (isDeepStrictEqual(change.before, change.next)) return;
  const { length } = rewriting.splices;
  if (isMap(node) || isSeq(node)) {
    const steps = stepsOf(node, change);
    const rewrite = isBlock(node) ? rewriteBlock : rewriteFlow;
    if (steps !== undefined && rewrite(node, steps, rewriting)) return;
  }
  rewriting.splices.length = length;
  replace(node, change.next, holder, rewriting);
}

/** Puts a value in the place of the whole node. */
function replace(node: unknown, next: unknown, holder: Holder, rewriting: Rewriting): void {
  const { text, json, splices } = rewriting;
  const there = written(node);
  if (json !== undefined || holder.kind === "flow") {
    if (there === undefined) return;
    const column = indentAt(text, there.range[0]);
    const put = json === undefined ? renderFlow(next) : renderJson(next, json, column);
    splices.push({ start: there.range[0], end: contentEnd(there, there.range[0]), text: put });
  } else if (holder.kind === "pair") replacePairValue(node, next, holder, rewriting);
  else {
    const start = there?.range[0] ?? (holder.kind === "item" ? holder.from : 0);
    const gap = there === undefined && holder.kind === "item" ? " " : "";
    const end = trimBreak(text, start, contentEnd(node, start));
    splices.push({
      start,
      end,
      text: `${gap}${renderBefore(rewriting, end, next, columnOf(text, start) + gap.length)}`,
    });
  }
}

function replacePairValue(
  node: unknown,
  next: unknown,
  { column, from }: Extract<Holder, { kind: "pair" }>,
  rewriting: Rewriting,
): void {
  const { text, splices } = rewriting;
  const there = written(node);
  const start = there?.range[0] ?? from;
  const end = trimBreak(text, start, contentEnd(node, from));
  const isBelow = lineStart(text, start) > from;
  if (there === undefined) splices.push({ start: from, end: from, text: isInline(next) ? " " : "" });
  if (isBelow) cutLines(rewriting, start, end);
  else if (!isInline(next)) splices.push({ start: from, end: Math.max(from, end), text: "" });
  if (isInline(next)) {
    const put = isBelow ? renderFlow(next) : renderBefore(rewriting, Math.max(from, end), next, column + 2);
    if (isBelow) splices.push({ start: from, end: from, text: ` ${put}` });
    else splices.push({ start, end: Math.max(start, end), text: put });
    return;
  }
  const line = withCommentsBelow(text, lineEnd(text, Math.max(from, end)), column);
  putLines(rewriting, line, column + 2, renderBlock(next, column + 2, rewriting.long));
}

/** On one line where a comment follows, which would else become a part of it. */
function renderBefore({ text, long }: Rewriting, end: number, next: unknown, column: number): string {
  return text.slice(end, lineEnd(text, end)).trim() === "" ? renderBlock(next, column, long) : renderFlow(next);
}

/** The end of a block text is one past its line break, which stays. */
function trimBreak(text: string, start: number, end: number): number {
  return end > start ? Math.max(start, breakStart(text, end)) : end;
}

function indentAt(text: string, offset: number): number {
  const line = lineStart(text, offset);
  return /^[ \t]*/u.exec(text.slice(line, lineEnd(text, offset)))?.[0].length ?? 0;
}
