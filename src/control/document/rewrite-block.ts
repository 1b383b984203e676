import { isDeepStrictEqual } from "node:util";
import { isScalar, type Pair, type YAMLMap, type YAMLSeq } from "yaml";
import { isValues, type Values } from "../../config/values.ts";
import { renderBlock, renderPair } from "./render.ts";
import {
  colonEnd,
  columnOf,
  contentEnd,
  type Holder,
  keyOf,
  lineEnd,
  lineStart,
  pairEnd,
  putLinesAfter,
  type Rewriting,
  withCommentAbove,
  withCommentsBelow,
} from "./rewriting.ts";

/** Makes a block mapping say `next`; false when that cannot be done by changing single keys. */
export function rewriteBlockMap(map: YAMLMap, before: Values, next: Values, rewriting: Rewriting): boolean {
  const pairs = map.items.filter((pair) => keyOf(pair) !== "<<");
  const own = new Set(pairs.map(keyOf));
  const isMergedKeyGone = Object.keys(before).some((key) => !own.has(key) && !Object.hasOwn(next, key));
  const last = map.items.at(-1);
  const first = map.items[0];
  const stay = map.items.filter((pair) => keyOf(pair) === "<<" || Object.hasOwn(next, keyOf(pair)));
  if (isMergedKeyGone || last === undefined || first === undefined || stay.length === 0) return false;
  const column = columnOf(rewriting.text, startOf(first));
  for (const pair of pairs) {
    const key = keyOf(pair);
    if (!Object.hasOwn(next, key)) removePair(pair, map, column, rewriting);
    else {
      const holder: Holder = { kind: "pair", column, from: colonEnd(pair) };
      rewriting.reconcile(pair.value, { before: before[key], next: next[key] }, holder);
    }
  }
  const added = Object.entries(next).filter(([key, value]) => !own.has(key) && isOther(before, key, value));
  for (const [key, value] of added) {
    putLinesAfter(rewriting, pairEnd(last), column, renderPair(key, value, column, rewriting.long));
  }
  return true;
}

/** Makes a block list say `next`; false when that cannot be done by changing single entries. */
export function rewriteBlockSeq(
  seq: YAMLSeq,
  before: readonly unknown[],
  next: readonly unknown[],
  rewriting: Rewriting,
): boolean {
  const steps = alignLists(before, next);
  const dashes = dashesOf(seq);
  if (steps === undefined || dashes.length !== seq.items.length || !steps.some(({ kind }) => kind === "keep")) {
    return false;
  }
  const { text } = rewriting;
  const column = columnOf(text, dashes[0] ?? 0);
  const itemEnd = (at: number): number => contentEnd(seq.items[at], (dashes[at] ?? 0) + 1);
  const lead = (at: number): number => {
    const line = lineStart(text, dashes[at] ?? 0);
    return at === 0 ? line : withCommentAbove(text, line, column, lineEnd(text, itemEnd(at - 1)));
  };
  const below = (at: number): number => withCommentsBelow(text, lineEnd(text, itemEnd(at)), column);
  for (const step of steps) {
    if (step.kind === "keep") {
      const holder: Holder = { kind: "item", column, from: (dashes[step.at] ?? 0) + 1 };
      rewriting.reconcile(seq.items[step.at], { before: before[step.at], next: step.value }, holder);
    } else if (step.kind === "remove") {
      if (!isAtLineStart(text, dashes[step.at] ?? 0)) return false;
      rewriting.splices.push({ start: lead(step.at), end: below(step.at), text: "" });
    } else {
      const block = `- ${renderBlock(step.value, column + 2, rewriting.long)}`;
      if (step.at === seq.items.length) putLinesAfter(rewriting, itemEnd(step.at - 1), column, block);
      else if (!isAtLineStart(text, dashes[step.at] ?? 0)) return false;
      else
        rewriting.splices.push({ start: lead(step.at), end: lead(step.at), text: `${" ".repeat(column)}${block}\n` });
    }
  }
  return true;
}

/** A key that a merge already gives with this value is not written again. */
function isOther(before: Values, key: string, value: unknown): boolean {
  return !Object.hasOwn(before, key) || before[key] !== value;
}

function removePair(pair: Pair, map: YAMLMap, column: number, rewriting: Rewriting): void {
  const { text, splices } = rewriting;
  const start = startOf(pair);
  const at = map.items.indexOf(pair);
  const previous = map.items[at - 1];
  const following = map.items[at + 1];
  if (isAtLineStart(text, start)) {
    const from = previous === undefined ? lineStart(text, start) : lineEnd(text, pairEnd(previous));
    const lead = withCommentAbove(text, lineStart(text, start), column, from);
    const end = withCommentsBelow(text, lineEnd(text, pairEnd(pair)), column);
    splices.push({ start: lead, end, text: "" });
    return;
  }
  // The first key on the line of a dash: the next key moves up to the dash, or the dash stands alone above comments.
  const end = lineEnd(text, pairEnd(pair));
  const nextAt = following === undefined ? end : startOf(following);
  if (text.slice(end, nextAt).trim() === "") splices.push({ start, end: nextAt, text: "" });
  else splices.push({ start, end: text[end - 1] === "\n" ? end - 1 : end, text: "" });
}

function startOf(pair: Pair): number {
  return isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0;
}

function isAtLineStart(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === "";
}

/** Offsets of the dashes of a block list. */
function dashesOf({ srcToken }: YAMLSeq): number[] {
  if (srcToken?.type !== "block-seq") return [];
  return srcToken.items.flatMap(({ start }) => start.find(({ type }) => type === "seq-item-ind")?.offset ?? []);
}

/** How one list becomes another. `at` is an index of the list before; `insert` goes before it. */
export type Step =
  | { readonly kind: "keep"; readonly at: number; readonly value: unknown }
  | { readonly kind: "remove"; readonly at: number }
  | { readonly kind: "insert"; readonly at: number; readonly value: unknown };

/**
 * Pairs the entries of two lists: those with an id by id, others by place between what is equal at both ends. Undefined when
 * entries that stay change their order.
 */
export function alignLists(before: readonly unknown[], next: readonly unknown[]): Step[] | undefined {
  const [from, to] = [idsOf(before), idsOf(next)];
  return from === undefined || to === undefined ? alignByPlace(before, next) : alignById(from, to, next);
}

function idsOf(list: readonly unknown[]): string[] | undefined {
  const ids = list.flatMap((item) => (isValues(item) && typeof item["id"] === "string" ? item["id"] : []));
  return ids.length === list.length && new Set(ids).size === ids.length ? ids : undefined;
}

function alignById(from: readonly string[], to: readonly string[], next: readonly unknown[]): Step[] | undefined {
  const places = new Map(from.map((id, at) => [id, at]));
  const wanted = new Set(to);
  const steps: Step[] = [];
  let at = 0;
  const skipRemoved = (): void => {
    for (; at < from.length && !wanted.has(from[at] ?? ""); at++) steps.push({ kind: "remove", at });
  };
  for (const [i, id] of to.entries()) {
    const place = places.get(id);
    if (place === undefined) steps.push({ kind: "insert", at, value: next[i] });
    else {
      skipRemoved();
      if (place !== at) return undefined;
      steps.push({ kind: "keep", at: at++, value: next[i] });
    }
  }
  skipRemoved();
  return steps;
}

function alignByPlace(before: readonly unknown[], next: readonly unknown[]): Step[] {
  const shorter = Math.min(before.length, next.length);
  let head = 0;
  while (head < shorter && isDeepStrictEqual(before[head], next[head])) head++;
  let tail = 0;
  while (tail < shorter - head && isDeepStrictEqual(before.at(-1 - tail), next.at(-1 - tail))) tail++;
  const [endBefore, endNext] = [before.length - tail, next.length - tail];
  const steps: Step[] = [];
  for (let at = 0; at < Math.max(endBefore, endNext); at++) {
    if (at >= endNext) steps.push({ kind: "remove", at });
    else if (at >= endBefore) steps.push({ kind: "insert", at: endBefore, value: next[at] });
    else steps.push({ kind: "keep", at, value: next[at] });
  }
  for (let i = tail; i > 0; i--) steps.push({ kind: "keep", at: before.length - i, value: next.at(-i) });
  return steps;
}
