import type { Entry, Revision } from "../store.ts";
import { holderOf, readSeat, type SeatKind, seatsPrefix } from "./lock-entry.ts";
import type { RecipePlace } from "./place.ts";

/** A lock or an election, as people see it. */
export interface ListedSeat {
  readonly name: string;
  /** Undefined: nobody has it, or whoever comes next does not know yet. */
  readonly holder: string | undefined;
  readonly epoch: Revision | undefined;
  /** Milliseconds since 1970, by the holder's clock. */
  readonly sinceMs: number | undefined;
  /** What a leader says of itself. */
  readonly value: string | undefined;
  /** Those who want it: in their order, where the store is fair. */
  readonly waiting: readonly string[];
}

/** Which page, and how large. */
export interface SeatOptions {
  readonly signal: AbortSignal;
  /** At most so many, by default and at most `MAX_SEATS`. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

const MAX_SEATS = 1_000;

/** Locks or elections, and where the next page begins. */
export interface SeatPage {
  /** In the order of the store's keys. Those that nobody has or wants are not there. */
  readonly seats: readonly ListedSeat[];
  /** Undefined: there are no more. */
  readonly next: string | undefined;
}

/** Throws as the store does. */
export function listLocks(place: RecipePlace, options: SeatOptions): Promise<SeatPage> {
  return listSeats(place, "locks", options);
}

/** Throws as the store does. */
export function listElections(place: RecipePlace, options: SeatOptions): Promise<SeatPage> {
  return listSeats(place, "elections", options);
}

const KEYS_A_PAGE = 1_000;

async function listSeats(place: RecipePlace, kind: SeatKind, options: SeatOptions): Promise<SeatPage> {
  const prefix = seatsPrefix(place, kind);
  const limit = Math.min(options.limit ?? MAX_SEATS, MAX_SEATS);
  const { signal, after: cursor } = options;
  const groups = new Map<string, Entry[]>();
  for (let after = cursor; ; ) {
    const pageOptions = { signal, limit: KEYS_A_PAGE };
    const page = await place.store.list(prefix, after === undefined ? pageOptions : { ...pageOptions, after });
    for (const entry of page.entries) {
      const name = nameIn(entry.key, prefix);
      // Came since, to what the page before had.
      if (cursor !== undefined && nameIn(cursor, prefix) === name) continue;
      if (!groups.has(name) && groups.size === limit) return toPage(place, groups);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [entry]);
      else group.push(entry);
    }
    after = page.entries.at(-1)?.key;
    if (!page.hasMore || after === undefined) return { ...toPage(place, groups), next: undefined };
  }
}

function nameIn(key: string, prefix: string): string {
  return key.slice(prefix.length).split("/", 1)[0] ?? "";
}

function toPage(place: RecipePlace, groups: ReadonlyMap<string, readonly Entry[]>): SeatPage {
  const seats = [...groups].map(([name, entries]) => toSeat(place, name, entries));
  return { seats, next: [...groups.values()].at(-1)?.at(-1)?.key };
}

function toSeat(place: RecipePlace, name: string, entries: readonly Entry[]): ListedSeat {
  const first = holderOf(place.store.facts, entries);
  const seat = first && readSeat(first);
  const holder = seat?.holds === true ? first : undefined;
  const waiting = entries
    .filter((entry) => entry !== holder)
    .toSorted((a, b) => (a.created < b.created ? -1 : 1))
    .map((entry) => readSeat(entry)?.holder ?? entry.key);
  if (holder === undefined) {
    return { name, holder: undefined, epoch: undefined, sinceMs: undefined, value: undefined, waiting };
  }
  const { holder: id, sinceMs, value } = seat ?? {};
  return { name, holder: id, epoch: holder.created, sinceMs, value, waiting };
}
