import { randomUUID } from "node:crypto";
import { copyOwned } from "../../core/bytes.ts";
import { RouterError } from "../../core/errors.ts";
import type { CallOptions, Compare, Entry, Txn, TxnOutcome, Write } from "../store.ts";
import { pruneConfig } from "./config-prune.ts";
import { readEntries } from "./config-history.ts";
import {
  type ConfigBody,
  type ConfigEntry,
  type ConfigPointer,
  decodePointer,
  digits,
  encodeBody,
  encodeEntryOf,
  encodePointer,
  MAX_CONFIG_BYTES,
  MAX_NOTE,
  PIECE_BYTES,
  sha256Of,
} from "./config-record.ts";
import type { ConfigPlace, LeaderGuard } from "./shared-config.ts";

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
}

export async function publishConfig(
  place: ConfigPlace,
  text: string,
  options: PublishOptions,
): Promise<PublishOutcome> {
  const bytes = bytesOf(text);
  const problems = place.check(text);
  if (problems.length > 0) return { kind: "invalid", problems };
  const sha256 = sha256Of(bytes);
  return movePointer(place, options, async (before) => {
    if (before.pointer?.sha256 === sha256) return { kind: "unchanged", pointer: before.pointer };
    const latest = before.pointer?.latest ?? (await highestPublished(place, options));
    const about = { version: latest + 1, sha256, bytes: bytes.length };
    const key = place.keys.version(about.version);
    const body = await writePieces(place, { ...about, ...signed(place, options), text, pieces: undefined }, options);
    return {
      to: { ...about, kind: "publish", latest: about.version },
      if: [{ kind: "absent", key }],
      then: [{ kind: "put", key, value: encodeBody(body) }],
    };
  });
}

/** Where the pointer is to go, and what is written with it. */
export interface PointerMove {
  readonly to: Pick<ConfigEntry, "version" | "sha256" | "bytes" | "kind"> & Pick<ConfigPointer, "latest">;
  readonly if: readonly Compare[];
  readonly then: readonly Write[];
}

/** Others may publish at the same time; so often it is tried anew. */
const MAX_TRIES = 20;

/** Moves the pointer from what it is to what `plan` makes of that, or not at all. */
export async function movePointer(
  place: ConfigPlace,
  options: PublishOptions,
  plan: (before: PointerBefore) => Promise<PointerMove | PublishOutcome>,
): Promise<PublishOutcome> {
  const { store, keys } = place;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = readBefore(keys.current, await store.get(keys.current, options));
    if (options.expected !== undefined && options.expected !== (before.pointer?.version ?? 0)) {
      return { kind: "conflict", running: before.pointer };
    }
    const move = await plan(before);
    if ("kind" in move) return move;
    const outcome = await commit(place, before, move, options);
    if (outcome !== undefined) return outcome;
  }
  throw new RouterError("STORE_UNREACHABLE", `${keys.current} was changed by others ${MAX_TRIES} times meanwhile`, {
    hint: "say which version is expected, or let one process publish",
  });
}

/** Undefined: somebody else moved it meanwhile. */
async function commit(
  place: ConfigPlace,
  { entry, pointer }: PointerBefore,
  move: PointerMove,
  options: PublishOptions,
): Promise<PublishOutcome | undefined> {
  const { store, keys } = place;
  const { guard } = options;
  const { latest, ...to } = move.to;
  const next: ConfigPointer = { version: to.version, sha256: to.sha256, entry: (pointer?.entry ?? 0) + 1, latest };
  const line: ConfigEntry = { entry: next.entry, ...to, ...signed(place, options) };
  const txn: Txn = {
    if: [stillAs(keys.current, entry), ...move.if],
    then: [
      ...move.then,
      { kind: "put", key: keys.current, value: encodePointer(next, randomUUID()) },
      { kind: "put", key: keys.entry(next.entry), value: encodeEntryOf(line) },
    ],
  };
  const outcome = guard === undefined ? await store.txn(txn, options) : await guardedBy(guard, txn, options);
  if (outcome === undefined) return { kind: "not_leader" };
  if (!outcome.done) return undefined;
  await pruneConfig(place, next, outcome.revision, options);
  return { kind: "published", pointer: next };
}

function stillAs(key: string, entry: Entry | undefined): Compare {
  return entry === undefined ? { kind: "absent", key } : { kind: "modified", key, revision: entry.modified };
}

/** Undefined: it is not held any more. */
async function guardedBy(guard: LeaderGuard, txn: Txn, options: CallOptions): Promise<TxnOutcome | undefined> {
  try {
    return await guard.guarded(txn, options);
  } catch (cause) {
    if (cause instanceof RouterError && cause.code === "NOT_OWNER") return undefined;
    throw cause;
  }
}

function readBefore(key: string, entry: Entry | undefined): PointerBefore {
  if (entry === undefined) return { entry, pointer: undefined };
  const read = decodePointer(entry.value);
  if (read.ok) return { entry, pointer: read.value };
  throw new RouterError("STORE_REFUSED", `${key} is no pointer to a version: ${read.reason}`, {
    hint: "somebody else has written there; delete the key, and publish again",
  });
}

/** Without a pointer, which somebody has deleted, what is there of versions is not written over. */
async function highestPublished(place: ConfigPlace, call: CallOptions): Promise<number> {
  const entries = await readEntries(place, call);
  let highest = entries.reduce((most, { version }) => Math.max(most, version), 0);
  while ((await place.store.get(place.keys.version(highest + 1), call)) !== undefined) highest++;
  return highest;
}

function bytesOf(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (!text.isWellFormed()) throw new RouterError("CONFIG_INVALID", "the document is no well-formed text");
  if (bytes.length <= MAX_CONFIG_BYTES) return bytes;
  throw new RouterError("CONFIG_INVALID", `the document has ${bytes.length} bytes, and may have ${MAX_CONFIG_BYTES}`, {
    hint: "leave out what can be told by a pattern; name files or variables for what is long",
  });
}

/** Large texts are written first, under names that nobody knows until the version names them. */
async function writePieces(place: ConfigPlace, body: ConfigBody, call: CallOptions): Promise<ConfigBody> {
  if (encodeBody(body).length <= PIECE_BYTES) return body;
  const bytes = new TextEncoder().encode(body.text);
  const id = `${digits(body.version)}-${randomUUID()}`;
  let count = 0;
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    const key = place.keys.piece(id, count++);
    const value = copyOwned(bytes.subarray(at, at + PIECE_BYTES));
    const { done } = await place.store.txn(
      { if: [{ kind: "absent", key }], then: [{ kind: "put", key, value }] },
      call,
    );
    if (!done) throw new RouterError("INTERNAL", `${key} is there already`);
  }
  return { ...body, text: undefined, pieces: { id, count } };
}

/** Who did it, and when. */
function signed({ clock }: ConfigPlace, { by = "", note = "" }: PublishOptions): Signature {
  return { atMs: clock.wallMs(), by: by.slice(0, MAX_NOTE), note: note.slice(0, MAX_NOTE) };
}

type Signature = Pick<ConfigEntry, "atMs" | "by" | "note">;
