import type { Entry, ResyncReason, Revision } from "../store.ts";
import type { Delivered } from "../delivered.ts";
import type { WatchResponse } from "./messages.ts";
import { entryOf, type PrefixListing } from "./range.ts";

/** What has to be delivered of a key: a change of this revision or later, or that it is gone. */
interface AwaitedChange {
  readonly revision: Revision;
  readonly isGone: boolean;
}

/**
 * Of an answer to the question how far a stream is. Before 3.4.25 it may come before changes that
 * it counts: so it moves no cursor.
 */
const ANY_WATCH = -1n;

/** Changes of one revision. */
export interface WatchStep {
  readonly revision: Revision;
  readonly puts: readonly Entry[];
  readonly deletes: readonly string[];
}

/**
 * Where a watch stands in etcd's history. Its cursor is the next revision to be delivered,
 * and moves with that alone: what heads the answers of a watch is the store's newest revision, also
 * while it is still a thousand changes behind.
 */
export class WatchState {
  readonly #delivered: Delivered;
  #cursor: Revision;
  #clusterId: bigint;
  /** As far as etcd says, because it was asked. */
  #reached: Revision = 0n;
  /** Of the answer that comes in parts. */
  #parts: WatchResponse["events"] = [];
  /**
   * Keys that changes were delivered of while a listing was on its way: what it says of them is
   * old.
   */
  #touched: Set<string> | undefined;
  /** Keys of which a listing says what was not delivered yet. */
  readonly #awaited = new Map<string, AwaitedChange>();

  constructor(delivered: Delivered, listing: PrefixListing) {
    this.#delivered = delivered;
    this.#cursor = listing.revision + 1n;
    this.#clusterId = listing.clusterId;
  }

  get cursor(): Revision {
    return this.#cursor;
  }

  /** Whether all is delivered that the last listing had. */
  get isComplete(): boolean {
    return this.#awaited.size === 0;
  }

  /** Whether all up to there was delivered, by what was and by what etcd says of it. */
  hasPassed(revision: Revision): boolean {
    return this.isComplete && (this.#cursor > revision || this.#reached >= revision);
  }

  /** A stream begins: parts of an answer of the one before it are of no use. */
  begin(): void {
    this.#parts = [];
    this.#reached = 0n;
  }

  /**
   * What there is to deliver, by revision. What is below the cursor as it stood before this answer
   * was delivered already: members that were restored, and etcd before 3.4.24, send it again.
   */
  take(response: WatchResponse): WatchStep[] {
    if (response.watchId === ANY_WATCH) {
      this.#reached = response.header.revision;
      return [];
    }
    this.#parts = this.#parts.concat(response.events);
    if (response.fragment) return [];
    const fresh = this.#parts.filter(({ entry }) => entry.modified >= this.#cursor);
    const isProgress = this.#parts.length === 0;
    this.#parts = [];
    if (isProgress && response.header.revision >= this.#cursor) this.#cursor = response.header.revision + 1n;
    const steps = stepsOf(fresh);
    for (const step of steps) this.#apply(step);
    return steps;
  }

  /** What stands now counts as delivered, and the watch goes on from there. */
  restart(listing: PrefixListing): void {
    this.#cursor = listing.revision + 1n;
    this.#clusterId = listing.clusterId;
    this.#awaited.clear();
    this.#touched = undefined;
  }

  /** A listing is asked for, that `compare` is given. */
  beginListing(): void {
    this.#touched = new Set();
  }

  /** Whether this is another store, or one whose revisions began again. */
  isOther({ clusterId, revision }: PrefixListing): boolean {
    return clusterId !== this.#clusterId || revision < this.#cursor - 1n;
  }

  /**
   * Why what was delivered cannot be what led to this listing; undefined where it can, and then
   * what still has to be delivered is awaited.
   */
  compare(listing: PrefixListing): ResyncReason | undefined {
    const touched = this.#touched ?? new Set();
    this.#touched = undefined;
    this.#awaited.clear();
    const there = new Set<string>();
    let isDifferent = false;
    for (const { key, modified } of listing.entries) {
      there.add(key);
      const known = this.#delivered.modifiedOf(key) ?? 0n;
      if (touched.has(key) || known === modified) continue;
      if (known > modified) return "wiped"; // a key's revisions only grow
      if (modified < this.#cursor) isDifferent = true;
      else this.#awaited.set(key, { revision: modified, isGone: false });
    }
    for (const key of this.#delivered.keys()) {
      if (there.has(key) || touched.has(key)) continue;
      if (listing.revision < this.#cursor) isDifferent = true;
      else this.#awaited.set(key, { revision: listing.revision + 1n, isGone: true });
    }
    return isDifferent ? "diverged" : undefined;
  }

  #apply({ puts, deletes, revision }: WatchStep): void {
    this.#delivered.apply(puts, deletes);
    this.#cursor = revision + 1n;
    for (const { key } of puts) this.#seen(key, revision, false);
    for (const key of deletes) this.#seen(key, revision, true);
  }

  #seen(key: string, revision: Revision, isDelete: boolean): void {
    this.#touched?.add(key);
    const awaited = this.#awaited.get(key);
    if (awaited === undefined) return;
    if (revision >= awaited.revision || (isDelete && awaited.isGone)) this.#awaited.delete(key);
  }
}

function stepsOf(events: WatchResponse["events"]): WatchStep[] {
  const steps: { revision: Revision; puts: Entry[]; deletes: string[] }[] = [];
  for (const { isDelete, entry } of events) {
    let step = steps.at(-1);
    if (step?.revision !== entry.modified) steps.push((step = { revision: entry.modified, puts: [], deletes: [] }));
    if (isDelete) step.deletes.push(entry.key);
    else step.puts.push(entryOf(entry));
  }
  return steps;
}
