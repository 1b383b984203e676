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
import { entriesIn } from "./config-history.ts";
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
    const { entries } = await place.store.list(place.keys.entries, call);
    const old = oldOf(pointer, ranLately(entries));
    await remove(oldEntries(place, pointer, entries));
    for (const entry of await oldVersions(place, old, call)) await remove([entry.key, ...piecesOf(place, entry)]);
    await remove(await lostPieces(place, old, call));
  } catch {
    // The change itself is done.
  }
}

/** Deleted each time: one more than one change adds. */
const AT_ONCE = 2;
const MOST_PIECES = MAX_CONFIG_BYTES / PIECE_BYTES;
/** Behind all pieces of a version. */
const LAST_PIECE = 99;

/** Of versions that are kept some are looked through, too: there are no more than these. */
const PAGE = 4;
const MOST_PAGES = Math.ceil((2 * KEPT_VERSIONS + 2) / PAGE);

/** Which versions are not kept any more: of those up to a number all but a few. */
interface OldVersions {
  readonly upTo: number;
  readonly has: (version: number) => boolean;
}

function oldOf({ version: running, latest }: ConfigPointer, ran: ReadonlySet<number>): OldVersions {
  const upTo = latest - KEPT_VERSIONS;
  return { upTo, has: (version) => version <= upTo && version !== running && !ran.has(version) };
}

/** The newest that ran: what was only tried takes the place of none of them. */
function ranLately(lines: readonly Entry[]): ReadonlySet<number> {
  const versions = new Set(entriesIn(lines).map(({ version }) => version));
  return new Set([...versions].toSorted((a, b) => b - a).slice(0, KEPT_VERSIONS));
}

function oldEntries({ keys }: ConfigPlace, { entry }: ConfigPointer, entries: readonly Entry[]): string[] {
  const old = entries.map(({ key }) => key).filter((key) => numberIn(key, keys.entries) <= entry - KEPT_ENTRIES);
  return old.slice(0, AT_ONCE);
}

async function oldVersions({ store, keys }: ConfigPlace, old: OldVersions, call: CallOptions): Promise<Entry[]> {
  const found: Entry[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < MOST_PAGES && found.length < AT_ONCE; pages++) {
    const page = { ...call, limit: PAGE, ...(after !== undefined && { after }) };
    const { entries, hasMore } = await store.list(keys.versions, page);
    found.push(...entries.filter(({ key }) => old.has(numberIn(key, keys.versions))));
    after = entries.at(-1)?.key;
    if (!hasMore || after === undefined || numberIn(after, keys.versions) > old.upTo) break;
  }
  return found.slice(0, AT_ONCE);
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
async function lostPieces({ store, keys }: ConfigPlace, old: OldVersions, call: CallOptions): Promise<string[]> {
  let after: string | undefined;
  for (let looked = 0; looked <= 2 * KEPT_VERSIONS; looked++) {
    const next = { ...call, limit: 1, ...(after !== undefined && { after }) };
    const [first] = (await store.list(keys.pieces, next)).entries;
    const number = first && numberIn(first.key, keys.pieces);
    if (first === undefined || number === undefined || number > old.upTo) break;
    const id = first.key.slice(keys.pieces.length, first.key.lastIndexOf("/"));
    if (old.has(number)) return piecesWith(keys, id, MOST_PIECES);
    after = keys.piece(id, LAST_PIECE);
  }
  return [];
}

/** The ten digits after the prefix. */
export function numberIn(key: string, prefix: string): number {
  return Number(key.slice(prefix.length, prefix.length + 10));
}
