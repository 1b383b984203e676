import type { CallOptions, Entry, Revision, Write } from "../store.ts";
import {
  type ConfigPointer,
  decodeBody,
  KEPT_ENTRIES,
  KEPT_VERSIONS,
  type ConfigKeys,
  MAX_CONFIG_BYTES,
  PIECE_BYTES,
} from "./config-record.ts";
import type { ConfigPlace } from "./shared-config.ts";

/**
 * Deletes what is older than the newest versions and entries, and pieces that were left behind:
 * a little after each change of the pointer, oldest first, and only while the pointer is as it was.
 * What it fails at, the next one does.
 */
export async function pruneConfig(
  place: ConfigPlace,
  pointer: ConfigPointer,
  revision: Revision,
  call: CallOptions,
): Promise<void> {
  const remove = async (doomed: readonly string[]): Promise<void> => {
    const then = doomed.map((key): Write => ({ kind: "delete", key }));
    const still = { kind: "modified", key: place.keys.current, revision } as const;
    if (then.length > 0) await place.store.txn({ if: [still], then }, call);
  };
  try {
    await remove(await oldEntries(place, pointer, call));
    for (const entry of await oldVersions(place, pointer, call)) await remove([entry.key, ...piecesOf(place, entry)]);
    await remove(await lostPieces(place, pointer, call));
  } catch {
    // The change itself is done.
  }
}

/** Looked at each time: one more than one change adds. */
const AT_ONCE = 2;
const MOST_PIECES = MAX_CONFIG_BYTES / PIECE_BYTES;

async function oldEntries(
  { store, keys }: ConfigPlace,
  { entry }: ConfigPointer,
  call: CallOptions,
): Promise<string[]> {
  const { entries } = await store.list(keys.entries, { ...call, limit: AT_ONCE });
  return entries.map(({ key }) => key).filter((key) => numberIn(key, keys.entries) <= entry - KEPT_ENTRIES);
}

async function oldVersions(place: ConfigPlace, pointer: ConfigPointer, call: CallOptions): Promise<Entry[]> {
  // One more: the one that runs may be the oldest.
  const { entries } = await place.store.list(place.keys.versions, { ...call, limit: AT_ONCE + 1 });
  return entries.filter(({ key }) => isOld(numberIn(key, place.keys.versions), pointer));
}

function piecesOf({ keys }: ConfigPlace, { value }: Entry): string[] {
  const body = decodeBody(value);
  const pieces = body.ok ? body.value.pieces : undefined;
  return pieces === undefined ? [] : piecesWith(keys, pieces.id, pieces.count);
}

function piecesWith(keys: ConfigKeys, id: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => keys.piece(id, i));
}

/** Of a publishing that came to nothing; once they are old, no version has them any more. */
async function lostPieces({ store, keys }: ConfigPlace, pointer: ConfigPointer, call: CallOptions): Promise<string[]> {
  const { entries } = await store.list(keys.pieces, { ...call, limit: 1 });
  const [first] = entries;
  if (first === undefined || !isOld(numberIn(first.key, keys.pieces), pointer)) return [];
  const id = first.key.slice(keys.pieces.length, first.key.lastIndexOf("/"));
  return piecesWith(keys, id, MOST_PIECES);
}

function isOld(version: number, { version: running, latest }: ConfigPointer): boolean {
  return version <= latest - KEPT_VERSIONS && version !== running;
}

/** The ten digits after the prefix. */
export function numberIn(key: string, prefix: string): number {
  return Number(key.slice(prefix.length, prefix.length + 10));
}
