import type { Entry, Listing, Revision } from "./store.ts";

/**
 * What a watch delivered to its reader: what a list has more, or no more, is what a resync tells.
 */
export class Delivered {
  readonly #modified = new Map<string, Revision>();

  /** Keys that are there by what was delivered. */
  get size(): number {
    return this.#modified.size;
  }

  keys(): IterableIterator<string> {
    return this.#modified.keys();
  }

  /** Undefined: it is not there by what was delivered. */
  modifiedOf(key: string): Revision | undefined {
    return this.#modified.get(key);
  }

  /** As the reader applies it. */
  apply(puts: readonly Entry[], deletes: readonly string[]): void {
    for (const { key, modified } of puts) this.#modified.set(key, modified);
    for (const key of deletes) this.#modified.delete(key);
  }

  /**
   * The difference to what is there now, which from then on counts as delivered. `all`: revisions
   * of a store that began again say nothing about what was delivered, so that all that is there is
   * delivered.
   */
  turnInto(
    { entries }: Pick<Listing, "entries">,
    all: boolean,
  ): { puts: readonly Entry[]; deletes: readonly string[] } {
    const there = new Set(entries.map(({ key }) => key));
    const puts = all ? entries : entries.filter(({ key, modified }) => this.#modified.get(key) !== modified);
    const deletes = this.#modified
      .keys()
      .filter((key) => !there.has(key))
      .toArray();
    this.apply(puts, deletes);
    return { puts, deletes };
  }
}
