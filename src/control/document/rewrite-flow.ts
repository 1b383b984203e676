import { isMap, isPair, type YAMLMap, type YAMLSeq } from "yaml";
import { renderFlow, renderJson } from "./render.ts";
import {
  breakStart,
  colonEnd,
  columnOf,
  contentEnd,
  lineEnd,
  lineStart,
  type Rewriting,
  written,
} from "./rewriting.ts";
import type { Step } from "./steps.ts";

/** A child between braces or brackets. */
interface Child {
  readonly start: number;
  readonly end: number;
  /** Offset of the comma before it; undefined for the first. */
  readonly comma: number | undefined;
}

/** Takes the steps between braces or brackets; false when that cannot be done. */
export function rewriteFlow(node: YAMLMap | YAMLSeq, steps: readonly Step[], rewriting: Rewriting): boolean {
  if (!place(node, steps, rewriting)) return false;
  for (const step of steps) {
    if (step.kind !== "keep") continue;
    const value = isMap(node) ? node.items[step.at]?.value : node.items[step.at];
    rewriting.reconcile(value, step, { kind: "flow" });
  }
  return true;
}

/** Cuts what goes and puts in what comes, with the commas that this takes. */
function place(node: YAMLMap | YAMLSeq, steps: readonly Step[], rewriting: Rewriting): boolean {
  const children = childrenOf(node);
  const kept = steps.flatMap((step) => (step.kind === "keep" ? step.at : []));
  const [firstKept, lastKept] = [kept[0], kept.at(-1)];
  if (children === undefined || firstKept === undefined || lastKept === undefined) return false;
  for (const step of steps) {
    if (step.kind !== "remove") continue;
    removeChild(children[step.at], children[step.at + 1]?.comma, rewriting);
  }
  // Each takes the comma behind it along; when none is left behind the last that stays, its comma
  // goes too.
  const loose = children[lastKept + 1]?.comma;
  if (loose !== undefined) cutWithSpaces(loose, rewriting);
  const isMultiline = rewriting.text.slice(startOf(node), children[0]?.start).includes("\n");
  for (const step of steps) {
    if (step.kind !== "insert") continue;
    const column = isMultiline ? columnOf(rewriting.text, children[0]?.start ?? 0) : undefined;
    const text = renderChild(step.value, isMap(node), column, rewriting);
    const following = kept.find((at) => at >= step.at);
    if (following === undefined) appendChild(children[lastKept], text, column, rewriting);
    else insertChild(children[following], text, column, rewriting);
  }
  return true;
}

function childrenOf({ srcToken, items }: YAMLMap | YAMLSeq): Child[] | undefined {
  if (srcToken?.type !== "flow-collection") return undefined;
  const children: Child[] = [];
  for (const [i, item] of items.entries()) {
    const comma = srcToken.items[i]?.start.find(({ type }) => type === "comma")?.offset;
    const pair = isPair(item);
    const start = startOf(pair ? item.key : item);
    if (start === -1 || (i > 0 && comma === undefined)) return undefined;
    children.push({ start, end: pair ? contentEnd(item.value, colonEnd(item)) : contentEnd(item, start), comma });
  }
  return children;
}

function startOf(node: unknown): number {
  return written(node)?.range[0] ?? -1;
}

function removeChild(child: Child | undefined, comma: number | undefined, rewriting: Rewriting): void {
  const { text, splices } = rewriting;
  if (child === undefined) return;
  const line = lineStart(text, child.start);
  const end = lineEnd(text, child.end);
  if (comma !== undefined) cutWithSpaces(comma, rewriting);
  if (text.slice(line, child.start).trim() === "" && /^\s*,?\s*(?:#.*)?\s*$/u.test(text.slice(child.end, end))) {
    splices.push({ start: line, end, text: "" });
  } else splices.push({ start: child.start, end: child.end, text: "" });
}

function cutWithSpaces(comma: number, { text, splices }: Rewriting): void {
  let end = comma + 1;
  while (text[end] === " ") end++;
  splices.push({ start: comma, end: /[\r\n#]/u.test(text[end] ?? "\n") ? comma + 1 : end, text: "" });
}

function renderChild(value: unknown, isInMap: boolean, column: number | undefined, { json }: Rewriting): string {
  const text =
    json === undefined ? renderFlow(value) : renderJson(value, column === undefined ? "" : json, column ?? 0);
  if (!isInMap) return text;
  // `{ key: value }` without its braces; on several lines, without the indentation that the braces
  // gave.
  const inner = text.slice(1, -1).trim();
  return json === undefined || column === undefined ? inner : inner.replaceAll(`\n${json}`, "\n");
}

/**
 * After the last child: a comma behind it, and the new one on the next line, below the comment that
 * the last one may have.
 */
function appendChild(last: Child | undefined, child: string, column: number | undefined, rewriting: Rewriting): void {
  const { text, splices, json } = rewriting;
  if (last === undefined) return;
  if (column === undefined) {
    splices.push({ start: last.end, end: last.end, text: `,${json === "" ? "" : " "}${child}` });
    return;
  }
  const line = lineEnd(text, last.end);
  const hasComment = /^\s*#/u.test(text.slice(last.end, line));
  const at = hasComment ? breakStart(text, line) : last.end;
  splices.push({ start: last.end, end: last.end, text: "," });
  splices.push({ start: at, end: at, text: `\n${" ".repeat(column)}${child}` });
}

function insertChild(
  following: Child | undefined,
  child: string,
  column: number | undefined,
  rewriting: Rewriting,
): void {
  if (following === undefined) return;
  const gap = column === undefined ? (rewriting.json === "" ? "" : " ") : `\n${" ".repeat(column)}`;
  rewriting.splices.push({ start: following.start, end: following.start, text: `${child},${gap}` });
}
