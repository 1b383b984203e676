import type { Entry, Revision } from "../store.ts";

export interface ListingChanges {
  readonly puts: readonly Entry[];
  readonly deletes: readonly string[];
  /** Only a store whose revisions began again can be so. */
  readonly isWiped: boolean;
}

/**
 * What a watch delivered of a prefix, and at which index. Consul gives states: changes are ours to
 * find.
 */
export class DeliveredListing {
  #entries: ReadonlyMap<string, Entry>;
  #revision: Revision;

  constructor(entries: readonly Entry[], index: Revision) {
    this.#entries = byKey(entries);
    this.#revision = index;
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** The highest index of the store at which it was so. */
  get revision(): Revision {
    return this.#revision;
  }

  /**
   * The difference to what is there now, which from then on counts as delivered. An index that goes
   * backwards says little: Consul forgets after a quarter of an hour at what index a key was
   * deleted. But all that was written before the index that was delivered has been delivered, too.
   */
  turnInto(entries: readonly Entry[], index: Revision): ListingChanges {
    const now = byKey(entries);
    const changed = entries.filter((entry) => !isSame(this.#entries.get(entry.key), entry));
    const deletes = [...this.#entries.keys()].filter((key) => !now.has(key));
    const isEmptyBefore = entries.length === 0 && index < this.#revision;
    const isWiped = isEmptyBefore || changed.some(({ modified }) => modified <= this.#revision);
    this.#entries = now;
    this.#revision = isWiped || index > this.#revision ? index : this.#revision;
    return { puts: isWiped ? entries : changed, deletes, isWiped };
  }
}

/** A store that was wiped may be as far as it was before, with something else. */
function isSame(before: Entry | undefined, now: Entry): boolean {
  return (
    before !== undefined &&
    before.modified === now.modified &&
    before.created === now.created &&
    before.session === now.session &&
    Buffer.compare(before.value, now.value) === 0
  );
}

function byKey(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.key, entry]));
}
