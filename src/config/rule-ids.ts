import { MANY_ITEMS, RecentList } from "../core/recent-list.ts";
import { isValues, textOf } from "./values.ts";

const recent = new RecentList();
/** What has which id in the recent list. */
const items = new Map<string, unknown>();
/** Whether each item of the recent list is in it. */
let isWhole = true;

/**
 * The items of a long list by their ids, until the next call; undefined for a short one, and where
 * not each item has an id of its own.
 */
export function itemsById(list: readonly unknown[]): ReadonlyMap<string, unknown> | undefined {
  if (list.length < MANY_ITEMS) return undefined;
  const { from, to, gone } = recent.changeTo(list);
  const isAnew = !isWhole || to - from === list.length;
  if (isAnew) items.clear();
  else for (const item of gone) items.delete(idOf(item) ?? "");
  isWhole = isAnew ? add(list, 0, list.length) : add(list, from, to);
  return isWhole ? items : undefined;
}

/** False: one of them has none, or one that is there already. */
function add(list: readonly unknown[], from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const id = idOf(list[i]);
    if (id === undefined || items.has(id)) return false;
    items.set(id, list[i]);
  }
  return true;
}

function idOf(item: unknown): string | undefined {
  return isValues(item) ? textOf(item["id"]) : undefined;
}
