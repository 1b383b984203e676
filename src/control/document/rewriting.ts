import { isAlias, isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import type { LongTexts } from "./render.ts";
import { lineEnd, lineStart, type Splice, withCommentsBelow } from "./splice.ts";

/** How a node is held: what stands in its place afterwards has to look like it. */
export type Holder =
  | { readonly kind: "root" }
  /** The value of a key in a block mapping whose keys begin at this column; `from` is one past the colon. */
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
  /** Puts a value in the place of the whole node. */
  readonly replace: (node: unknown, next: unknown, holder: Holder) => void;
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

/** Where what is written of a node ends, without comments and empty lines below it; `otherwise` when nothing is. */
export function contentEnd(node: unknown, otherwise: number): number {
  const there = written(node);
  if (there === undefined) return otherwise;
  if (isBlock(there)) {
    const last = there.items.at(-1);
    if (isSeq(there)) return contentEnd(last, there.range[1]);
    return isPairOf(last) ? pairEnd(last) : there.range[1];
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

/** Puts whole lines, indented by `column`, below what ends there and its comments; the last without a line break. */
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

function isPairOf(item: unknown): item is Pair {
  return typeof item === "object" && item !== null && "key" in item;
}
