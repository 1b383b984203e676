import { z } from "zod";
import { RouterError } from "../../core/errors.ts";
import { readJson, writeJson } from "./json-value.ts";
import { checkedPart, checkedPrefix } from "./keys.ts";
import type { RecipePlace } from "./place.ts";
import type { Entry, StoreFacts, WatchEvent } from "../store.ts";

/** What people are shown of a key of a lock or an election; nothing is decided by it. */
interface SeatText {
  /** Who wrote it: a node's id, for example. */
  readonly holder: string;
  /** When they got it, or began to wait, by their own clock: milliseconds since 1970. */
  readonly sinceMs: number;
  /** Whether they know that it is theirs. */
  readonly holds: boolean;
  /** Makes it another text than any other's: how a lost outcome is settled. */
  readonly session: string;
  /** Of a candidate. */
  readonly value?: string | undefined;
}

export type SeatKind = "locks" | "elections";

/** The key of the holder where keys do not queue. No session has such an id. */
export const SOLE_KEY = "holder";

/** The folder of a lock or election. Fails with `STORE_REFUSED`. */
export function seatFolder(place: RecipePlace, kind: SeatKind, name: string): string {
  return `${seatsPrefix(place, kind)}${checkedPart(name, kind === "locks" ? "a lock's name" : "an election's name")}`;
}

export function seatsPrefix(place: RecipePlace, kind: SeatKind): string {
  return `${checkedPrefix(place.prefix)}/${kind}/`;
}

const MAX_HOLDER = 256;

/** Fails with `STORE_REFUSED`. */
export function checkedHolder(holder: string): string {
  if (holder.length > 0 && holder.length <= MAX_HOLDER) return holder;
  throw new RouterError("STORE_REFUSED", `the name of a holder has ${holder.length} characters`, {
    hint: `give it 1 to ${MAX_HOLDER}`,
  });
}

export function writeSeat(text: SeatText): Uint8Array {
  return writeJson(text);
}

/** No date is later. */
const LATEST_MS = 8_640_000_000_000_000;

const SeatSchema = z.object({
  holder: z.string(),
  sinceMs: z.number().min(0).max(LATEST_MS),
  holds: z.boolean(),
  session: z.string(),
  value: z.string().optional(),
});

/** Undefined for what somebody else has written there. */
export function readSeat(entry: Entry): SeatText | undefined {
  const read = readJson(entry.value, SeatSchema);
  return read.ok ? read.value : undefined;
}

/**
 * No session holds it, so that nothing would ever end it: somebody has put it there by hand, or
 * written over a holder's key, who is none any more then.
 */
export function isOrphaned({ session }: Entry): boolean {
  return session === undefined;
}

/** Whose turn it is: of the keys of one folder, the oldest, or the only one that counts. */
export function holderOf(facts: StoreFacts, entries: Iterable<Entry>): Entry | undefined {
  let first: Entry | undefined;
  for (const entry of entries) {
    if (isOrphaned(entry) || (!facts.isFair && !entry.key.endsWith(`/${SOLE_KEY}`))) continue;
    if (first === undefined || entry.created < first.created) first = entry;
  }
  return first;
}

/** What an event says of one key; undefined: nothing. */
export function stateIn(event: WatchEvent, key: string): { readonly entry: Entry | undefined } | undefined {
  if (event.kind === "synced" || event.kind === "lost") return undefined;
  const puts = event.kind === "snapshot" ? event.entries : event.puts;
  const entry = puts.find((one) => one.key === key);
  if (entry !== undefined || event.kind === "snapshot") return { entry };
  return event.deletes.includes(key) ? { entry: undefined } : undefined;
}
