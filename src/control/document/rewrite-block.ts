import { isMap, isScalar, type YAMLMap, type YAMLSeq } from "yaml";
import { renderBlock } from "./render.ts";
import {
  breakStart,
  colonEnd,
  columnOf,
  contentEnd,
  lineEnd,
  lineStart,
  pairEnd,
  putLinesAfter,
  type Rewriting,
  withCommentAbove,
  withCommentsBelow,
} from "./rewriting.ts";
import type { Step } from "./steps.ts";

/** A key with its value, or an entry of a list with its dash. */
interface BlockEntry {
  readonly start: number;
  readonly end: number;
  /** One past the colon, or the dash. */
  readonly from: number;
  readonly value: unknown;
}

/** Takes the steps in a block; false when that cannot be done. */
export function rewriteBlock(node: YAMLMap | YAMLSeq, steps: readonly Step[], rewriting: Rewriting): boolean {
  const { text, splices, long } = rewriting;
  const entries = isMap(node) ? pairsOf(node) : dashesOf(node);
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined || entries.length !== node.items.length) return false;
  const column = columnOf(text, first.start);
  for (const step of steps) {
    const [entry, previous] = [entries[step.at], entries[step.at - 1]];
    if (step.kind === "insert") {
      const block = isMap(node)
        ? renderBlock(step.value, column, long)
        : `- ${renderBlock(step.value, column + 2, long)}`;
      if (entry === undefined) putLinesAfter(rewriting, last.end, column, block);
      else if (!isAtLineStart(text, entry.start)) return false;
      else {
        const start = leadOf(entry, previous, column, text);
        splices.push({ start, end: start, text: `${" ".repeat(column)}${block}\n` });
      }
    } else if (entry === undefined) return false;
    else if (step.kind === "remove") removeEntry(entry, previous, entries[step.at + 1], column, rewriting);
    else rewriting.reconcile(entry.value, step, { kind: isMap(node) ? "pair" : "item", column, from: entry.from });
  }
  return true;
}

function removeEntry(
  entry: BlockEntry,
  previous: BlockEntry | undefined,
  following: BlockEntry | undefined,
  column: number,
  { text, splices }: Rewriting,
): void {
  const { start } = entry;
  const end = lineEnd(text, entry.end);
  if (isAtLineStart(text, start)) {
    const lead = leadOf(entry, previous, column, text);
    splices.push({ start: lead, end: withCommentsBelow(text, end, column), text: "" });
    return;
  }
  // The first one on the line of a dash: the next moves up to the dash, or the dash stands alone
  // above comments.
  const nextAt = following?.start ?? end;
  if (text.slice(end, nextAt).trim() === "") splices.push({ start, end: nextAt, text: "" });
  else splices.push({ start, end: breakStart(text, end), text: "" });
}

/** Where its line begins, or the comment above it that goes with it. */
function leadOf({ start }: BlockEntry, previous: BlockEntry | undefined, column: number, text: string): number {
  const line = lineStart(text, start);
  return previous === undefined ? line : withCommentAbove(text, line, column, lineEnd(text, previous.end));
}

function isAtLineStart(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

function pairsOf({ items }: YAMLMap): BlockEntry[] {
  return items.map((pair) => {
    const start = isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
    return { start, end: pairEnd(pair), from: colonEnd(pair), value: pair.value };
  });
}

function dashesOf({ srcToken, items }: YAMLSeq): BlockEntry[] {
  if (srcToken?.type !== "block-seq") return [];
  const dashes = srcToken.items.flatMap(({ start }) => start.find(({ type }) => type === "seq-item-ind")?.offset ?? []);
  return dashes.map((start, at) => {
    const from = start + 1;
    return { start, end: contentEnd(items[at], from), from, value: items[at] };
  });
}
