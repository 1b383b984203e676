/** What can be in a bag: in one at a time. */
export interface BagItem {
  /** Its place there, -1 while it is in none. Belongs to the bag. */
  bagIndex: number;
}

/**
 * A set, in no order, of what comes and goes quickly. A `Set` makes itself a new table every few
 * deletions, and each old table keeps the next one alive: once one of them is old in V8's eyes, all
 * tables after it, and what was in them, wait for a collection of the whole heap. Ten thousand
 * requests a second made 12 MB of such garbage each second.
 */
export class Bag<T extends BagItem> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** It must not be in a bag. */
  add(item: T): void {
    item.bagIndex = this.#items.length;
    this.#items.push(item);
  }

  /** False: it was not there. */
  delete(item: T): boolean {
    const at = item.bagIndex;
    if (at < 0) return false;
    const last = this.#items.pop()!;
    item.bagIndex = -1;
    if (last === item) return true;
    this.#items[at] = last;
    last.bagIndex = at;
    return true;
  }

  /**
   * Visits each item that is there at the beginning and not taken out before its turn, whatever
   * `visit` takes out or adds.
   */
  forEach(visit: (item: T) => void): void {
    // From the end: what fills the place of one that was taken out comes from behind, where all
    // were visited.
    for (let at = this.#items.length - 1; at >= 0; at--) {
      const item = this.#items[at];
      if (item !== undefined) visit(item);
    }
  }
}
