import { MANY_ITEMS, RecentList } from "../core/recent-list.ts";
import type { Path } from "./finding.ts";

/** A mapping of a document. */
export type Values = Readonly<Record<string, unknown>>;

export function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A mapping, or undefined. */
export function valuesOf(value: unknown): Values | undefined {
  return isValues(value) ? value : undefined;
}

/** A list, or an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, or undefined. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The mappings of a list, with the path of each. */
export function entriesOf(value: unknown, path: Path): { values: Values; path: Path }[] {
  return listOf(value).flatMap((item, i) => (isValues(item) ? [{ values: item, path: [...path, i] }] : []));
}

/** The value at a path, or undefined. */
export function valueAt(root: unknown, ...path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) => (Array.isArray(value) ? listOf(value)[Number(part)] : valuesOf(value)?.[part]),
    root,
  );
}

/** What stands at the places of a pattern, in which `*` is any key or index. */
export function placesOf(root: unknown, pattern: readonly string[], path: Path = []): { value: unknown; path: Path }[] {
  const [key, ...rest] = pattern;
  if (key === undefined) return root === undefined ? [] : [{ value: root, path }];
  if (Array.isArray(root)) {
    if (key !== "*") return [];
    const [next = "*"] = rest;
    if (next !== "*" && !mayHaveKey(root, next)) return [];
    const found: { value: unknown; path: Path }[] = [];
    for (let i = 0; i < root.length; i++) {
      if (next === "*" || hasKey(root[i], next)) found.push(...placesOf(root[i], rest, [...path, i]));
    }
    return found;
  }
  const values = valuesOf(root) ?? {};
  const names = key === "*" ? Object.keys(values) : Object.hasOwn(values, key) ? [key] : [];
  return names.flatMap((name) => placesOf(values[name], rest, [...path, name]));
}

function hasKey(value: unknown, key: string): boolean {
  return isValues(value) && Object.hasOwn(value, key);
}

/**
 * Whether a mapping of the list may have the key: of ten thousand rules few have more than a few.
 */
function mayHaveKey(list: readonly unknown[], key: string): boolean {
  if (list.length < MANY_ITEMS) return true;
  const { from, to, gone } = recent.changeTo(list);
  const isAnew = gone.length > list.length / 2 || recentKeys.size > MOST_KEYS;
  if (isAnew) recentKeys.clear();
  const [start, end] = isAnew ? [0, list.length] : [from, to];
  for (let i = start; i < end; i++) for (const name in valuesOf(list[i])) recentKeys.add(name);
  return recentKeys.has(key);
}

const recent = new RecentList();
/** Of all mappings of the recent list, and of some that were in it. */
const recentKeys = new Set<string>();
/** Of those that are gone no more are kept. */
const MOST_KEYS = 1_000;

/** A copy with other values at the places of a pattern; what stays as it is, is not copied. */
export function mapPlaces(
  root: unknown,
  pattern: readonly string[],
  change: (value: unknown, path: Path) => unknown,
  path: Path = [],
): unknown {
  const [key, ...rest] = pattern;
  if (key === undefined) return change(root, path);
  if (Array.isArray(root)) {
    if (key !== "*") return root;
    const [next = "*"] = rest;
    if (next !== "*" && !mayHaveKey(root, next)) return root;
    let items: unknown[] = root;
    for (let i = 0; i < root.length; i++) {
      if (next !== "*" && !hasKey(root[i], next)) continue;
      const changed = mapPlaces(root[i], rest, change, [...path, i]);
      if (changed === root[i]) continue;
      if (items === root) items = [...root];
      items[i] = changed;
    }
    return items;
  }
  if (!isValues(root) || (key !== "*" && !Object.hasOwn(root, key))) return root;
  const mapped = Object.entries(root).map(([name, entry]): readonly [string, unknown] =>
    key === "*" || key === name ? [name, mapPlaces(entry, rest, change, [...path, name])] : [name, entry],
  );
  return mapped.some(([name, entry]) => entry !== root[name]) ? Object.fromEntries(mapped) : root;
}
