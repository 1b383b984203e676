import { readSeat } from "../../../src/store/recipes/lock-entry.ts";
import type { Entry, Store, WatchEvent } from "../../../src/store/store.ts";
import type { ObservedSeat, QueueState } from "../history-checker.ts";

/** All locks and elections below a prefix, as the store tells them. */
export class WatchedSeats {
  /** One for each change of a lock or an election. */
  readonly history: QueueState[] = [];
  readonly #folders: readonly string[];
  /** By scope, and by key. */
  readonly #seats = new Map<string, Map<string, ObservedSeat>>();

  constructor(prefix: string) {
    this.#folders = [`${prefix}/elections/`, `${prefix}/locks/`];
  }

  /** Ends with the signal. `onChange` is called after each event. */
  async follow(store: Store, signal: AbortSignal, onChange: () => void): Promise<void> {
    const followOne = async (folder: string): Promise<void> => {
      for await (const event of store.watch(folder, { signal })) {
        this.#apply(event);
        onChange();
      }
    };
    await Promise.all(this.#folders.map(followOne));
  }

  of(scope: string): ObservedSeat[] {
    return [...(this.#seats.get(scope)?.values() ?? [])];
  }

  /** Who leads, by what the leader itself has written. */
  leader(scope: string): ObservedSeat | undefined {
    return this.of(scope).find(({ isLeading }) => isLeading);
  }

  #apply(event: WatchEvent): void {
    if (event.kind === "synced" || event.kind === "lost") return;
    const puts = event.kind === "snapshot" ? event.entries : event.puts;
    const deletes = event.kind === "snapshot" ? [] : event.deletes;
    for (const key of deletes) this.#seatsOf(key).delete(key);
    for (const entry of puts) this.#seatsOf(entry.key).set(entry.key, seatOf(entry));
    const scopes = new Set([...deletes, ...puts.map(({ key }) => key)].map((key) => this.#scopeOf(key)));
    for (const scope of scopes) this.history.push({ scope, revision: event.revision, seats: this.of(scope) });
  }

  #seatsOf(key: string): Map<string, ObservedSeat> {
    const scope = this.#scopeOf(key);
    const seats = this.#seats.get(scope) ?? new Map<string, ObservedSeat>();
    this.#seats.set(scope, seats);
    return seats;
  }

  #scopeOf(key: string): string {
    const folder = this.#folders.find((one) => key.startsWith(one)) ?? "";
    return key.slice(folder.length).split("/", 1)[0] ?? "";
  }
}

function seatOf(entry: Entry): ObservedSeat {
  const seat = readSeat(entry);
  const { created, modified } = entry;
  return { created, modified, holder: seat?.holder ?? entry.key, isLeading: seat?.holds === true };
}
