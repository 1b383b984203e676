import { isDeepStrictEqual } from "node:util";
import { isValues } from "../../config/values.ts";

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
