import { commonItems } from "../core/common-ends.ts";
import { Secret } from "../core/secret.ts";
import { formatPath, type Path } from "./finding.ts";
import type { Config } from "./schema/config.ts";

export interface ConfigChange {
  /** As in problems, but targets and rules by id, not by place: `rules.payments.priority`. */
  readonly path: string;
  readonly kind: "added" | "removed" | "changed";
}

/**
 * What differs between two configs, and never how: values may be secrets. A new order of rules is a
 * change of `rules`.
 */
export function diffConfigs(before: Config, after: Config): ConfigChange[] {
  return diffDocuments(before, after);
}

/**
 * As above, of two documents as they were written: of values without defaults and references
 * without what they stand for.
 */
export function diffDocuments(before: unknown, after: unknown): ConfigChange[] {
  const changes: ConfigChange[] = [];
  compare(before, after, [], changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: Path, changes: ConfigChange[]): void {
  if (before === after) return;
  if (before instanceof Secret && after instanceof Secret) {
    if (before.reveal() !== after.reveal()) changes.push({ path: formatPath(path), kind: "changed" });
    return;
  }
  const same = alikeIn(before, after);
  const [from, to] = [entriesOf(before, same), entriesOf(after, same)];
  if (from === undefined || to === undefined) {
    if (!Object.is(before, after)) changes.push({ path: formatPath(path), kind: kindOf(before, after) });
    return;
  }
  for (const [key, value] of from) {
    if (to.has(key)) compare(value, to.get(key), [...path, key], changes);
    else if (value !== undefined) changes.push({ path: formatPath([...path, key]), kind: "removed" });
  }
  for (const [key, value] of to) {
    if (!from.has(key) && value !== undefined) changes.push({ path: formatPath([...path, key]), kind: "added" });
  }
  if (isReordered([...from.keys()], [...to.keys()], before)) changes.push({ path: formatPath(path), kind: "changed" });
}

function kindOf(before: unknown, after: unknown): ConfigChange["kind"] {
  if (before === undefined) return "added";
  return after === undefined ? "removed" : "changed";
}

type Alike = ReturnType<typeof commonItems>;

/** Things with ids that are the same objects in two lists, at both ends. */
function alikeIn(before: unknown, after: unknown): Alike {
  const areLists = Array.isArray(before) && Array.isArray(after);
  return areLists ? commonItems<unknown>(before, after, isSame) : { head: 0, tail: 0 };
}

function isSame(before: unknown, after: unknown): boolean {
  return before === after && idOf(before) !== undefined;
}

/**
 * Entries of a mapping, or of a list but for those that are alike, things with an id by id;
 * undefined for all else.
 */
function entriesOf(value: unknown, { head, tail }: Alike): Map<string | number, unknown> | undefined {
  if (typeof value !== "object" || value === null || value instanceof Secret) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  const others = value.slice(head, value.length - tail);
  return new Map(others.map((item: unknown, i) => [idOf(item) ?? head + i, item]));
}

function idOf(item: unknown): string | undefined {
  return typeof item === "object" && item !== null && "id" in item && typeof item.id === "string" ? item.id : undefined;
}

/**
 * Whether what is in both lists stands in another order; the order of keys in a mapping means
 * nothing.
 */
function isReordered(from: readonly (string | number)[], to: readonly (string | number)[], value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [stayed, left] = [new Set(from), new Set(to)];
  const was = from.filter((key) => left.has(key));
  return to.filter((key) => stayed.has(key)).some((key, i) => key !== was[i]);
}
