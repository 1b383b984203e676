import type { CallOptions, Entry, Revision } from "../store.ts";
import { holderOf, readSeat } from "./lock-entry.ts";
import type { RecipePlace } from "./place.ts";
import { watchEntries } from "./watched.ts";

/**
 * What those who do not lead know. It may be old when it is read: what hangs on it compares the
 * epoch, and refuses what is lower than one that it has seen.
 */
export type ObservedLeader =
  | {
      readonly kind: "leader";
      readonly id: string;
      readonly value: string;
      readonly epoch: Revision;
      /** Milliseconds since 1970, by the leader's clock. */
      readonly sinceMs: number;
    }
  | { readonly kind: "none" }
  /** The store cannot be reached: whoever led may do so no more. */
  | { readonly kind: "unknown"; readonly reason: string };

export async function readLeader(place: RecipePlace, folder: string, options: CallOptions): Promise<ObservedLeader> {
  const { entries } = await place.store.list(`${folder}/`, options);
  return leaderAmong(place, entries);
}

/** Ends with the signal. */
export async function* observeLeader(
  place: RecipePlace,
  folder: string,
  signal: AbortSignal,
): AsyncGenerator<ObservedLeader, void, undefined> {
  let told: ObservedLeader | undefined;
  for await (const { entries, lost } of watchEntries(place.store, `${folder}/`, signal)) {
    // While it is lost, what has happened meanwhile is known in part at most.
    const now =
      lost === undefined ? leaderAmong(place, entries.values()) : ({ kind: "unknown", reason: lost } as const);
    if (isSame(now, told)) continue;
    told = now;
    yield now;
  }
}

/** A candidate whose turn it is, and who does not know yet, leads nobody. */
function leaderAmong(place: RecipePlace, entries: Iterable<Entry>): ObservedLeader {
  const entry = holderOf(place.store.facts, entries);
  const seat = entry && readSeat(entry);
  if (entry === undefined || seat === undefined || !seat.holds) return { kind: "none" };
  const { holder, value = "", sinceMs } = seat;
  return { kind: "leader", id: holder, value, epoch: entry.created, sinceMs };
}

function isSame(leader: ObservedLeader, told: ObservedLeader | undefined): boolean {
  if (leader.kind !== "leader" || told?.kind !== "leader") return leader.kind === told?.kind;
  return leader.epoch === told.epoch && leader.value === told.value;
}
