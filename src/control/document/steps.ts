import { isDeepStrictEqual } from "node:util";
import { isMap, type YAMLMap, type YAMLSeq } from "yaml";
import { isValues, type Values } from "../../config/values.ts";
import { type Change, isBlock, keyOf } from "./rewriting.ts";

/**
 * How one collection becomes another. `at` is an index of the one before; `insert` goes before it.
 */
export type Step =
  | ({ readonly kind: "keep"; readonly at: number } & Change)
  | { readonly kind: "remove"; readonly at: number }
  /** Of a mapping, the value is a mapping of the one key. */
  | { readonly kind: "insert"; readonly at: number; readonly value: unknown };

/** Undefined when it cannot be done entry by entry, or nothing would stay. */
export function stepsOf(node: YAMLMap | YAMLSeq, { before, next }: Change): Step[] | undefined {
  let steps: Step[] | undefined;
  if (isMap(node) && isValues(before) && isValues(next)) steps = alignKeys(node, before, next);
  if (!isMap(node) && Array.isArray(before) && Array.isArray(next)) steps = alignLists(before, next);
  return steps?.some(({ kind }) => kind === "keep") === true ? steps : undefined;
}

/** New keys come last. A merge in a block stays, and what it gives is not written again. */
function alignKeys(map: YAMLMap, before: Values, next: Values): Step[] | undefined {
  const keys = map.items.map(keyOf);
  const own = new Set(keys);
  const isMergedKeyGone = Object.keys(before).some((key) => !own.has(key) && !Object.hasOwn(next, key));
  if (own.has("<<") && (isMergedKeyGone || !isBlock(map))) return undefined;
  const steps = keys.map((key, at): Step => {
    if (key !== "<<" && !Object.hasOwn(next, key)) return { kind: "remove", at };
    return { kind: "keep", at, before: before[key], next: next[key] };
  });
  for (const [key, value] of Object.entries(next)) {
    const isMerged = Object.hasOwn(before, key) && before[key] === value;
    if (!own.has(key) && !isMerged) steps.push({ kind: "insert", at: keys.length, value: { [key]: value } });
  }
  return steps;
}

/**
 * Pairs the entries of two lists: those with an id by id, others by place between what is equal at
 * both ends. Undefined when entries that stay change their order.
 */
function alignLists(before: readonly unknown[], next: readonly unknown[]): Step[] | undefined {
  const [from, to] = [idsOf(before), idsOf(next)];
  return from === undefined || to === undefined ? alignByPlace(before, next) : alignById(from, to, { before, next });
}

function idsOf(list: readonly unknown[]): string[] | undefined {
  const ids = list.flatMap((item) => (isValues(item) && typeof item["id"] === "string" ? item["id"] : []));
  return ids.length === list.length && new Set(ids).size === ids.length ? ids : undefined;
}

function alignById(
  from: readonly string[],
  to: readonly string[],
  { before, next }: { readonly before: readonly unknown[]; readonly next: readonly unknown[] },
): Step[] | undefined {
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
      steps.push({ kind: "keep", at, before: before[at++], next: next[i] });
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
    else steps.push({ kind: "keep", at, before: before[at], next: next[at] });
  }
  for (let i = tail; i > 0; i--)
    steps.push({ kind: "keep", at: before.length - i, before: before.at(-i), next: next.at(-i) });
  return steps;
}
