import { commonItems } from "./common-ends.ts";
import { derivedList } from "./derived-list.ts";

/** Shorter lists are looked at in less than a millisecond, and not remembered. */
export const MANY_ITEMS = 500;

/** Where a list differs from another: what is new in it stands from `from` on, before `to`. */
interface ListChange<Item> {
  readonly from: number;
  readonly to: number;
  /** What stood there instead. */
  readonly gone: readonly Item[];
}

/**
 * The long list that was looked at last: of the next, which mostly differs in one item, all else
 * need not be looked at again. Items are the same when they are the same objects.
 */
export class RecentList<Item = unknown> {
  #items: readonly Item[] = [];

  /** What is new in this one, which is the recent one from then on. */
  changeTo(items: readonly Item[]): ListChange<Item> {
    const before = this.#items;
    const { head, tail } = commonItems(before, items);
    this.#items = items;
    return { from: head, to: items.length - tail, gone: before.slice(head, before.length - tail) };
  }
}

interface Mapped<Item, Made> {
  readonly items: readonly Item[];
  readonly made: readonly Made[];
}

/** What is made of each item of a long list: of the next list, only of the items that are new. */
export class MappedList<Item, Made> {
  #recent: Mapped<Item, Made> = { items: [], made: [] };
  /** The one before, while V8 keeps it: who goes back to a list is given what was made of it. */
  #before: WeakRef<Mapped<Item, Made>> | undefined;

  /** `at`: where the item stands as it is made, which is elsewhere in lists to come. */
  of(items: readonly Item[], make: (item: Item, at: number) => Made): readonly Made[] {
    if (items.length < MANY_ITEMS) return items.map(make);
    if (items === this.#recent.items) return this.#recent.made;
    const before = this.#before?.deref();
    const next = before?.items === items ? before : this.#next(items, make);
    this.#before = new WeakRef(this.#recent);
    this.#recent = next;
    return next.made;
  }

  #next(items: readonly Item[], make: (item: Item, at: number) => Made): Mapped<Item, Made> {
    const { items: was, made } = this.#recent;
    const { head, tail } = commonItems(was, items);
    const fresh = items.slice(head, items.length - tail).map((item, i) => make(item, head + i));
    return { items, made: derivedList(made, head, made.length - head - tail, fresh) };
  }
}

/** How many items of a long list have which key: of the next list, only new ones are looked at. */
export class CountedList<Item, Key> {
  readonly #recent = new RecentList<Item>();
  readonly #counts = new Map<Key, number>();
  readonly #keyOf: (item: Item) => Key;

  /** `keyOf`: always the same for an item. */
  constructor(keyOf: (item: Item) => Key) {
    this.#keyOf = keyOf;
  }

  /** By key; none is 0. Until the next call. */
  of(items: readonly Item[]): ReadonlyMap<Key, number> {
    const { from, to, gone } = this.#recent.changeTo(items);
    for (const item of gone) this.#add(this.#keyOf(item), -1);
    for (let i = from; i < to; i++) this.#add(this.#keyOf(items[i]!), 1);
    return this.#counts;
  }

  #add(key: Key, by: number): void {
    const count = (this.#counts.get(key) ?? 0) + by;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}
