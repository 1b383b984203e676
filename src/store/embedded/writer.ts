import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry, Revision } from "../store.ts";
import type { HistoryRetention, Tables } from "./tables.ts";

/** Writes entries and history, within a transaction. */
export class Writer {
  readonly #tables: Tables;
  readonly #limits: HistoryRetention;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #tell: StatementSync;
  readonly #advance: StatementSync;
  readonly #size: StatementSync;
  readonly #oldest: StatementSync;
  readonly #forget: StatementSync;
  readonly #compacted: StatementSync;

  constructor(database: DatabaseSync, tables: Tables, limits: HistoryRetention) {
    this.#tables = tables;
    this.#limits = limits;
    this.#put = database.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM entries WHERE key = ?");
    this.#tell = database.prepare(
      "INSERT INTO history (revision, key, value, created, session, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#advance = database.prepare("UPDATE state SET revision = ?, history_bytes = history_bytes + ?");
    // Rows are added at the end and taken from the beginning: there are no gaps between ids.
    this.#size = database.prepare(
      "SELECT coalesce(max(id) - min(id) + 1, 0) AS changes, (SELECT history_bytes FROM state) AS bytes FROM history",
    );
    this.#oldest = database.prepare("SELECT revision, length(value) AS bytes FROM history ORDER BY id");
    this.#forget = database.prepare("DELETE FROM history WHERE revision <= ?");
    this.#compacted = database.prepare("UPDATE state SET compacted = ?, history_bytes = history_bytes - ?");
  }

  /**
   * Carries the writes out as one revision, and gives it; the last one where nothing changes,
   * because all that is to be deleted is not there.
   */
  write(puts: readonly Omit<Entry, "created" | "modified">[], deletes: readonly string[], atMs: number): Revision {
    const { revision: last } = this.#tables.state();
    const revision = last + 1n;
    let changes = 0;
    let bytes = 0;
    for (const { key, value, session } of puts) {
      const created = this.#tables.entry(key)?.created ?? revision;
      this.#put.run(key, value, created, revision, session ?? null);
      this.#tell.run(revision, key, value, created, session ?? null, atMs);
      bytes += value.length;
      changes++;
    }
    for (const key of deletes) {
      if (Number(this.#delete.run(key).changes) === 0) continue;
      this.#tell.run(revision, key, null, null, null, atMs);
      changes++;
    }
    if (changes === 0) return last;
    this.#advance.run(revision, bytes);
    this.#trim();
    return revision;
  }

  /** Forgets whole revisions, the oldest first, until what is left is within the limits. */
  #trim(): void {
    const { changes, bytes } = this.#size.get() ?? {};
    let tooMany = Number(changes) - this.#limits.maxChanges;
    let tooLarge = Number(bytes) - this.#limits.maxBytes;
    if (tooMany <= 0 && tooLarge <= 0) return;
    let [upTo, freed] = [0n, 0];
    for (const row of this.#oldest.iterate()) {
      const revision = row["revision"] as Revision; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the column's type
      if (tooMany <= 0 && tooLarge <= 0 && revision !== upTo) break;
      const size = Number(row["bytes"] ?? 0);
      [upTo, freed] = [revision, freed + size];
      tooMany -= 1;
      tooLarge -= size;
    }
    this.#forget.run(upTo);
    this.#compacted.run(upTo, freed);
  }
}
