import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair } from "yaml";
import type { LongTexts } from "./render.ts";

/** How a node is held: what stands in its place afterwards has to look like it. */
export type Holder =
  | { readonly kind: "root" }
  /**
   * The value of a key in a block mapping whose keys begin at this column; `from` is one past the
   * colon.
   */
  | { readonly kind: "pair"; readonly column: number; readonly from: number }
  /** An entry of a block list whose dashes are at this column; `from` is one past the dash. */
  | { readonly kind: "item"; readonly column: number; readonly from: number }
  /** Between braces or brackets. */
  | { readonly kind: "flow" };

/** One rewriting under way. */
export interface Rewriting {
  readonly text: string;
  /** Set for JSON: its unit of indentation, empty when all stands on one line. */
  readonly json: string | undefined;
  readonly long: LongTexts;
  readonly splices: Splice[];
  /** Makes the node say `next` where it says `before`. */
  readonly reconcile: (node: unknown, change: Change, holder: Holder) => void;
}

export interface Change {
  readonly before: unknown;
  readonly next: unknown;
}

/** The key of a pair as the values have it. */
export function keyOf(pair: Pair): string {
  if (!isScalar(pair.key)) return "";
  return typeof pair.key.value === "string" ? pair.key.value : (pair.key.source ?? String(pair.key.value));
}

/** A node with an extent; undefined for a value that is not written at all. */
export function written(node: unknown): (Node & { readonly range: [number, number, number] }) | undefined {
  if (!(isScalar(node) || isMap(node) || isSeq(node) || isAlias(node))) return undefined;
  const { range } = node;
  return range === null || range === undefined || range[0] === range[1] ? undefined : Object.assign(node, { range });
}

/**
 * Where what is written of a node ends, without comments and empty lines below it; `otherwise` when
 * nothing is.
 */
export function contentEnd(node: unknown, otherwise: number): number {
  const there = written(node);
  if (there === undefined) return otherwise;
  if (isBlock(there)) {
    const last = there.items.at(-1);
    if (isSeq(there)) return contentEnd(last, there.range[1]);
    return isPair(last) ? pairEnd(last) : there.range[1];
  }
  return there.range[1];
}

export function pairEnd(pair: Pair): number {
  return contentEnd(pair.value, colonEnd(pair));
}

/** One past the colon of a pair, or past the key where there is no colon. */
export function colonEnd(pair: Pair): number {
  const colon = pair.srcToken?.sep?.find(({ type }) => type === "map-value-ind");
  return colon === undefined ? contentEnd(pair.key, 0) : colon.offset + 1;
}

export function isBlock(node: unknown): node is Node & { items: unknown[] } {
  return (isMap(node) || isSeq(node)) && node.flow !== true;
}

/**
 * Puts whole lines, indented by `column`, below what ends there and its comments; the last without
 * a line break.
 */
export function putLinesAfter(rewriting: Rewriting, end: number, column: number, block: string): void {
  putLines(rewriting, withCommentsBelow(rewriting.text, lineEnd(rewriting.text, end), column), column, block);
}

/** Puts whole lines where a line begins, or at the end of the text. */
export function putLines({ text, splices }: Rewriting, at: number, column: number, block: string): void {
  const lines = " ".repeat(column) + block;
  const isOpen = at > 0 && text[at - 1] !== "\n";
  splices.push({ start: at, end: at, text: isOpen ? `\n${lines}` : `${lines}\n` });
}

/** Cuts all lines from the one of `start` to the one that ends at `end`. */
export function cutLines({ text, splices }: Rewriting, start: number, end: number): void {
  splices.push({ start: lineStart(text, start), end: lineEnd(text, end), text: "" });
}

/** Replaces `text[start, end)`; nothing is cut when both are the same. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text with all splices done: what lies outside of them stays byte for byte. Cuts may overlap
 * each other; of those that begin at the same place, what is put in stands in the order of the
 * list. New lines end as told.
 */
export function applySplices(text: string, splices: readonly Splice[], lineEnds: LineEnds): string {
  let result = "";
  let at = 0;
  for (const { start, end, text: put } of splices.toSorted((a, b) => a.start - b.start)) {
    if (start > at) result += text.slice(at, start);
    result += lineEnds === "\n" ? put : put.replaceAll("\n", lineEnds);
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}

/** Of Windows, or of all others. */
export type LineEnds = "\n" | "\r\n";

/** Those of Windows, where a text has one of them. */
export function lineEndsOf(text: string): LineEnds {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

/** Where the line of an offset begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/**
 * Where the line ends that has the character before the offset: one past its line break, or the end
 * of the text.
 */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const at = text.indexOf("\n", offset);
  return at === -1 ? text.length : at + 1;
}

/** Where the line break begins that ends at the offset; the offset itself where none does. */
export function breakStart(text: string, offset: number): number {
  if (text[offset - 1] !== "\n") return offset;
  return text[offset - 2] === "\r" ? offset - 2 : offset - 1;
}

/** Characters before the offset in its line. */
export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/**
 * Where the comment begins that stands directly above a line, with the same indentation and no
 * empty line between; the line's own start when there is none. Never before `from`.
 */
export function withCommentAbove(text: string, line: number, column: number, from: number): number {
  let start = line;
  while (start > from) {
    const above = lineStart(text, start - 1);
    if (above < from || !isCommentAt(text.slice(above, start), column)) break;
    start = above;
  }
  return start;
}

/**
 * Where the comments end that stand below a line and deeper than `column`: they belong to what the
 * line is part of.
 */
export function withCommentsBelow(text: string, end: number, column: number): number {
  let at = end;
  for (let from = end; from < text.length; ) {
    const next = lineEnd(text, from + 1);
    const line = text.slice(from, next);
    const trimmed = line.trimStart();
    if (trimmed !== "" && !(trimmed.startsWith("#") && line.length - trimmed.length > column)) break;
    if (trimmed !== "") at = next;
    from = next;
  }
  return at;
}

function isCommentAt(line: string, column: number): boolean {
  return line.trimStart().startsWith("#") && line.length - line.trimStart().length === column;
}
