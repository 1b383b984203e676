import { randomUUID } from "node:crypto";
import { RouterError } from "../../core/errors.ts";
import type { CallOptions, Compare, Entry, Revision, Txn, TxnOutcome, Write } from "../store.ts";
import { entriesIn } from "./config-history.ts";
import { numberIn, pruneConfig } from "./config-prune.ts";
import {
  type ConfigEntry,
  type ConfigPointer,
  decodeEntryNonce,
  decodePointer,
  encodeEntryOf,
  encodePointer,
  MAX_NOTE,
} from "./config-record.ts";
import type { ConfigPlace, LeaderGuard } from "./shared-config.ts";

/** Which version is expected to run, who changes it, and why. */
export interface PublishOptions extends CallOptions {
  /**
   * The version that runs, as far as whoever publishes knows; 0: none yet. With another one
   * running, nothing is written. Undefined: whatever runs.
   */
  readonly expected?: number;
  /** Who, and why: for people. */
  readonly by?: string;
  readonly note?: string;
  /** Of a leader that publishes: nothing is written when it leads no more. */
  readonly guard?: LeaderGuard;
}

/** What became of a publishing or a rollback. */
export type PublishOutcome =
  | { readonly kind: "published"; readonly pointer: ConfigPointer }
  /** It runs already. */
  | { readonly kind: "unchanged"; readonly pointer: ConfigPointer }
  /** Another version runs than was expected; undefined: none. */
  | { readonly kind: "conflict"; readonly running: ConfigPointer | undefined }
  /** What guards it is not held any more. */
  | { readonly kind: "not_leader" }
  | { readonly kind: "invalid"; readonly problems: readonly string[] }
  /** Of a rollback: that version is not kept, or is not what was published. */
  | { readonly kind: "missing"; readonly version: number; readonly reason: string };

/** What the pointer said when a change was begun. */
export interface PointerBefore {
  readonly entry: Entry | undefined;
  readonly pointer: ConfigPointer | undefined;
  /** The highest version, and the last entry of the history, that there ever were. */
  readonly latest: number;
  readonly lastEntry: number;
}

/** Where the pointer is to go, and what is written with it. */
interface PointerMove {
  readonly to: Pick<ConfigEntry, "version" | "sha256" | "bytes" | "kind"> & Pick<ConfigPointer, "latest">;
  readonly if: readonly Compare[];
  readonly then: readonly Write[];
}

/** Others may publish at the same time; so often it is tried anew. */
const MAX_TRIES = 20;

/** Moves the pointer from what it is to what `plan` makes of that, or not at all. */
export function movePointer(
  place: ConfigPlace,
  options: PublishOptions,
  plan: (before: PointerBefore) => Promise<PointerMove | PublishOutcome>,
): Promise<PublishOutcome> {
  return tryMoves(place, options, async (before) => {
    const move = await plan(before);
    return "kind" in move ? move : commit(place, before, move, options);
  });
}

type Conflict = Extract<PublishOutcome, { kind: "conflict" }>;

/** Again and again, while others write meanwhile: so `once` says by undefined. */
export async function tryMoves<Outcome>(
  place: ConfigPlace,
  options: PublishOptions,
  once: (before: PointerBefore) => Promise<Outcome | undefined>,
): Promise<Conflict | Outcome> {
  const { keys } = place;
  let refused: Revision | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await readBefore(place, refused, options);
    if (options.expected !== undefined && options.expected !== (before.pointer?.version ?? 0)) {
      return { kind: "conflict", running: before.pointer };
    }
    const outcome = await once(before);
    if (outcome !== undefined) return outcome;
    refused = before.entry?.modified;
  }
  throw new RouterError("STORE_UNREACHABLE", `${keys.current} was changed by others ${MAX_TRIES} times meanwhile`, {
    hint: "say which version is expected, or let one process publish",
  });
}

/** Undefined: somebody else moved it meanwhile. */
async function commit(
  place: ConfigPlace,
  before: PointerBefore,
  move: PointerMove,
  options: PublishOptions,
): Promise<PublishOutcome | undefined> {
  const { keys } = place;
  const { latest, ...to } = move.to;
  const next: ConfigPointer = { version: to.version, sha256: to.sha256, entry: before.lastEntry + 1, latest };
  const line: ConfigEntry = { entry: next.entry, ...to, ...signed(place, options) };
  const [key, nonce] = [keys.entry(next.entry), randomUUID()];
  const txn: Txn = {
    if: [stillAs(keys.current, before.entry), { kind: "absent", key }, ...move.if],
    then: [
      ...move.then,
      { kind: "put", key: keys.current, value: encodePointer(next, nonce) },
      { kind: "put", key, value: encodeEntryOf(line, nonce) },
    ],
  };
  const revision = await carryOut(place, txn, { key, nonce }, options);
  if (typeof revision !== "bigint") return revision === "not_leader" ? { kind: revision } : undefined;
  await pruneConfig(place, next, revision, options);
  return { kind: "published", pointer: next };
}

export function stillAs(key: string, entry: Entry | undefined): Compare {
  return entry === undefined ? { kind: "absent", key } : { kind: "modified", key, revision: entry.modified };
}

/** The line of the history that a change writes: nobody writes over it. */
interface HistoryLine {
  readonly key: string;
  readonly nonce: string;
}

/**
 * The revision of what was written. Where the store cannot tell, because others have moved the
 * pointer on since, the line of the history does.
 */
async function carryOut(
  place: ConfigPlace,
  txn: Txn,
  { key, nonce }: HistoryLine,
  options: PublishOptions,
): Promise<Revision | "not_done" | "not_leader"> {
  try {
    const outcome = await carryOutGuarded(place, options.guard, txn, options);
    if (outcome === undefined) return "not_leader";
    return outcome.done ? outcome.revision : "not_done";
  } catch (cause) {
    if (!isUnknown(cause)) throw cause;
    const there = await place.store.get(key, options);
    if (there === undefined) throw cause;
    return decodeEntryNonce(there.value) === nonce ? there.modified : "not_done";
  }
}

/** The store cannot tell whether it was written. */
export function isUnknown(cause: unknown): boolean {
  return cause instanceof RouterError && cause.code === "STORE_UNKNOWN";
}

/** Undefined: what guards it is not held any more. */
export async function carryOutGuarded(
  { store }: ConfigPlace,
  guard: LeaderGuard | undefined,
  txn: Txn,
  options: CallOptions,
): Promise<TxnOutcome | undefined> {
  try {
    return await (guard === undefined ? store.txn(txn, options) : guard.guarded(txn, options));
  } catch (cause) {
    if (cause instanceof RouterError && cause.code === "NOT_OWNER") return undefined;
    throw cause;
  }
}

/**
 * `refused`: the pointer at which nothing could be written. Is it still the same, nobody has moved
 * it, but somebody has put an old one back: what came after it is there, and is not written over.
 */
async function readBefore(
  place: ConfigPlace,
  refused: Revision | undefined,
  options: PublishOptions,
): Promise<PointerBefore> {
  const key = place.keys.current;
  const entry = await place.store.get(key, options);
  if (entry === undefined) return { entry, pointer: undefined, ...(await highestOf(place, NONE_YET, options)) };
  const read = decodePointer(entry.value);
  if (!read.ok) {
    throw new RouterError("STORE_REFUSED", `${key} is no pointer to a version: ${read.reason}`, {
      hint: "somebody else has written there; delete the key, and publish again",
    });
  }
  const told = { latest: read.value.latest, lastEntry: read.value.entry };
  const numbers = entry.modified === refused ? await highestOf(place, told, options) : told;
  return { entry, pointer: read.value, ...numbers };
}

type Numbers = Pick<PointerBefore, "latest" | "lastEntry">;

const NONE_YET: Numbers = { latest: 0, lastEntry: 0 };

/** What is there, whoever has written it, is not written over. */
async function highestOf(place: ConfigPlace, { latest, lastEntry }: Numbers, call: CallOptions): Promise<Numbers> {
  const { store, keys } = place;
  const { entries: lines } = await store.list(keys.entries, call);
  const numbers = lines.map(({ key }) => numberIn(key, keys.entries)).filter(Number.isSafeInteger);
  let highest = Math.max(latest, ...entriesIn(lines).map(({ version }) => version));
  while ((await store.get(keys.version(highest + 1), call)) !== undefined) highest++;
  return { latest: highest, lastEntry: Math.max(lastEntry, ...numbers) };
}

/** Who did it, and when. */
export function signed({ clock }: ConfigPlace, { by = "", note = "" }: PublishOptions): Signature {
  return { atMs: clock.wallMs(), by: by.slice(0, MAX_NOTE), note: note.slice(0, MAX_NOTE) };
}

type Signature = Pick<ConfigEntry, "atMs" | "by" | "note">;
