import { commonItems } from "./common-ends.ts";

/** Shorter lists are looked at in less than a millisecond, and not remembered. */
export const MANY_ITEMS = 500;

/** Where a list differs from another: what is new in it stands from `from` on, before `to`. */
interface ListChange {
  readonly from: number;
  readonly to: number;
  /** How many stood there instead. */
  readonly gone: number;
}

/**
 * The long list that was looked at last: of the next, which mostly differs in one item, all else
 * need not be looked at again. Items are the same when they are the same objects.
 */
export class RecentList<Item = unknown> {
  #items: readonly Item[] = [];

  /** What is new in this one, which is the recent one from then on. */
  changeTo(items: readonly Item[]): ListChange {
    const before = this.#items;
    if (items === before) return { from: items.length, to: items.length, gone: 0 };
    const { head, tail } = commonItems(before, items);
    this.#items = items;
    return { from: head, to: items.length - tail, gone: before.length - head - tail };
  }
}

/** What is made of each item of a long list: of the next list, only of the items that are new. */
export class MappedList<Item, Made> {
  #items: readonly Item[] = [];
  #made: readonly Made[] = [];

  /** `at`: where the item stands as it is made, which is elsewhere in lists to come. */
  of(items: readonly Item[], make: (item: Item, at: number) => Made): readonly Made[] {
    if (items.length < MANY_ITEMS) return items.map(make);
    if (items === this.#items) return this.#made;
    const { head, tail } = commonItems(this.#items, items);
    const fresh = items.slice(head, items.length - tail).map((item, i) => make(item, head + i));
    this.#made = spliced(this.#made, head, this.#made.length - head - tail, fresh);
    this.#items = items;
    return this.#made;
  }
}

/** As `toSpliced`, of which the arguments are on the stack: of any number. */
function spliced<Item>(list: readonly Item[], start: number, cut: number, put: readonly Item[]): readonly Item[] {
  if (put.length < MANY_ITEMS) return list.toSpliced(start, cut, ...put);
  return [...list.slice(0, start), ...put, ...list.slice(start + cut)];
}
