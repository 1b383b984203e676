import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { Entry, Revision } from "../store.ts";

/** How much history is kept for watches that are behind. */
export interface HistoryRetention {
  readonly maxChanges: number;
  readonly maxBytes: number;
}

export interface StoreState {
  readonly born: string;
  readonly revision: Revision;
  readonly compacted: Revision;
}

/** A write of a transaction, as the history tells it. Without entry: deleted. */
export interface HistoryChange {
  readonly revision: Revision;
  readonly key: string;
  readonly entry: Entry | undefined;
}

export interface Page {
  readonly entries: readonly Entry[];
  /** Whether all that was asked for is in it. */
  readonly isWhole: boolean;
}

const NONE: ReadonlySet<string> = new Set();

type Row = Record<string, SQLOutputValue>;

/** Entries, history and the revision: each call is to be within a transaction. */
export class Tables {
  readonly #hidden: ReadonlySet<string>;
  readonly #state: StatementSync;
  readonly #entry: StatementSync;
  readonly #range: StatementSync;
  readonly #ofSession: StatementSync;
  readonly #changes: StatementSync;

  /** `hidden`: entries of these sessions are not there for whoever reads. */
  constructor(database: DatabaseSync, hidden: ReadonlySet<string> = NONE) {
    this.#hidden = hidden;
    this.#state = database.prepare("SELECT born, revision, compacted FROM state");
    this.#entry = database.prepare("SELECT * FROM entries WHERE key = ?");
    this.#range = database.prepare("SELECT * FROM entries WHERE key >= ? AND key < ? ORDER BY key");
    this.#ofSession = database.prepare("SELECT key FROM entries WHERE session = ? ORDER BY key");
    this.#changes = database.prepare("SELECT * FROM history WHERE revision > ? ORDER BY revision, id");
  }

  state(): StoreState {
    const row = this.#state.get() ?? {};
    return { born: text(row, "born"), revision: revision(row, "revision"), compacted: revision(row, "compacted") };
  }

  entry(key: string): Entry | undefined {
    const row = this.#entry.get(key);
    if (row === undefined) return undefined;
    const entry = entryOf(row);
    return this.#isHidden(entry) ? undefined : entry;
  }

  keysOf(session: string): string[] {
    return this.#ofSession.all(session).map((row) => text(row, "key"));
  }

  /** In the order of keys, after `after`: as many as there may be and as fit, one at least. */
  page(range: { prefix: string; after: string | undefined }, limits: { entries: number; bytes: number }): Page {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const row of this.#range.iterate(...boundsOf(range.prefix, range.after))) {
      if (entries.length >= limits.entries || bytes >= limits.bytes) return { entries, isWhole: false };
      const entry = entryOf(row);
      if (this.#isHidden(entry)) continue;
      entries.push(entry);
      bytes += entry.value.length + entry.key.length;
    }
    return { entries, isWhole: true };
  }

  #isHidden({ session }: Entry): boolean {
    return session !== undefined && this.#hidden.has(session);
  }

  /** All of as many revisions as fit, at least one. `isWhole`: there are no more. */
  changesAfter(from: Revision, limits: HistoryRetention): { changes: readonly HistoryChange[]; isWhole: boolean } {
    const changes: HistoryChange[] = [];
    let bytes = 0;
    for (const row of this.#changes.iterate(from)) {
      const change = changeOf(row);
      const isFull = changes.length >= limits.maxChanges || bytes >= limits.maxBytes;
      if (isFull && changes.at(-1)?.revision !== change.revision) return { changes, isWhole: false };
      changes.push(change);
      bytes += change.entry?.value.length ?? 0;
    }
    return { changes, isWhole: true };
  }
}

/** No key has a character before `-`, so that none is between `after` and `after!`. */
function boundsOf(prefix: string, after: string | undefined): [SQLInputValue, SQLInputValue] {
  const from = after === undefined || after < prefix ? prefix : `${after}!`;
  return [from, `${prefix.slice(0, -1)}${String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1)}`];
}

function entryOf(row: Row): Entry {
  return {
    key: text(row, "key"),
    value: bytesOf(row, "value") ?? new Uint8Array(0),
    created: revision(row, "created"),
    modified: revision(row, "modified"),
    session: textOrNone(row, "session"),
  };
}

function changeOf(row: Row): HistoryChange {
  const [key, at] = [text(row, "key"), revision(row, "revision")];
  const value = bytesOf(row, "value");
  const session = textOrNone(row, "session");
  const entry = value && { key, value, created: revision(row, "created"), modified: at, session };
  return { revision: at, key, entry };
}

function text(row: Row, column: string): string {
  return String(row[column]);
}

function textOrNone(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === "string" ? value : undefined;
}

function bytesOf(row: Row, column: string): Uint8Array | undefined {
  const value = row[column];
  return value instanceof Uint8Array ? value : undefined;
}

function revision(row: Row, column: string): Revision {
  const value = row[column];
  return typeof value === "bigint" ? value : 0n;
}
