import type { CallOptions, Entry, StoreFacts } from "../../store/store.ts";
import { holderOf, isOrphaned, readSeat, seatFolder } from "../../store/recipes/lock-entry.ts";
import type { RecipePlace } from "../../store/recipes/place.ts";
import { watchEntries } from "../../store/recipes/watched.ts";
import { decodeLeader, type LeaderValue } from "../fleet/leader-value.ts";

/** Who stands for an election, and who has won it. */
export interface Candidates {
  /** Undefined: nobody leads, or whoever comes next does not know yet. */
  readonly leader: ElectedController | undefined;
  /** Ids, whoever leads among them: those who came first come first. */
  readonly standing: readonly string[];
}

export interface ElectedController {
  readonly id: string;
  readonly epoch: bigint;
  /** By its own clock. */
  readonly sinceMs: number;
  /** Undefined: it is no controller, but a program that uses the library. */
  readonly value: LeaderValue | undefined;
}

/** Throws as the store does. */
export async function readCandidates(place: RecipePlace, election: string, options: CallOptions): Promise<Candidates> {
  const { entries } = await place.store.list(`${electionFolder(place, election)}/`, options);
  return candidatesAmong(place.store.facts, entries);
}

/** Whenever that changes; undefined while the store cannot be reached. Ends with the signal. */
export async function* watchCandidates(
  place: RecipePlace,
  election: string,
  signal: AbortSignal,
): AsyncGenerator<Candidates | undefined, void, undefined> {
  const folder = `${electionFolder(place, election)}/`;
  for await (const { entries, lost } of watchEntries(place.store, folder, signal)) {
    yield lost === undefined ? candidatesAmong(place.store.facts, [...entries.values()]) : undefined;
  }
}

export function candidatesAmong(facts: StoreFacts, entries: readonly Entry[]): Candidates {
  const holder = holderOf(facts, entries);
  const seat = holder && readSeat(holder);
  const standing = entries
    .filter((entry) => !isOrphaned(entry))
    .toSorted((a, b) => (a === holder ? -1 : b === holder ? 1 : a.created < b.created ? -1 : 1))
    .flatMap((entry) => readSeat(entry)?.holder ?? []);
  if (holder === undefined || seat?.holds !== true) return { leader: undefined, standing };
  const value = decodeLeader(seat.value ?? "");
  return { leader: { id: seat.holder, epoch: holder.created, sinceMs: seat.sinceMs, value }, standing };
}

function electionFolder(place: RecipePlace, election: string): string {
  return seatFolder(place, "elections", election);
}
