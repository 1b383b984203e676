import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, machineMs } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { checkDatabase, isAlone, isInMemory, openDatabase } from "./database.ts";
import { LeaseTable } from "./lease-table.ts";
import { isBusy, isUnwritable, storeError, unknownOutcome } from "./sqlite-fault.ts";
import { type HistoryRetention, type StoreState, Tables } from "./tables.ts";
import { Writer } from "./writer.ts";

/** What a transaction works with. */
export interface Opened {
  readonly database: DatabaseSync;
  readonly tables: Tables;
  readonly leases: LeaseTable;
  readonly writer: Writer;
  /** The file's number on its disk: another one has taken its place when it differs. */
  readonly inode: bigint | undefined;
  /** Others wait until it is closed. */
  readonly isAlone: boolean;
}

/** `synced`: safe on disk when it returns. `written`: seen by all, lost with the machine alone. */
export type Durability = "synced" | "written";

/** Reads that come each few milliseconds do not try as often to write. */
const TRY_AGAIN_MS = 1_000;

/** Told after what this process wrote: other processes' writes are found by polling. */
type OnWritten = () => void;

/** By file: those of this process (of this thread) that want to know of each other's writes. */
const listeners = new Map<string, Set<OnWritten>>();

/**
 * One connection to the store's file. All calls are synchronous, and throw either what `isBusy`
 * (nothing was done) or a `RouterError`.
 */
export class StoreFile implements Disposable {
  readonly name: string;
  readonly #clock: Clock;
  readonly #limits: HistoryRetention;
  #opened: Opened | undefined;
  #isClosed = false;
  readonly #hidden = new Set<string>();
  #unwritableUntilMs = 0;

  constructor(file: string, clock: Clock, limits: HistoryRetention) {
    this.name = isInMemory(file) ? file : resolve(file);
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Opens it now and reads all of it once. */
  check(): void {
    this.#run(({ database }) => checkDatabase(this.name, database));
  }

  /**
   * All that `run` reads is of one moment; what belongs to leases that have ended is gone by then,
   * or hidden for as long as nothing can be written.
   */
  read<T>(run: (opened: Opened) => T): T {
    return this.#run((opened) => {
      const isEnded = this.#endLeases(opened);
      return this.#transaction(opened, "BEGIN", () => {
        this.#hidden.clear();
        if (!isEnded) this.#hideEnded(opened);
        return run(opened);
      });
    });
  }

  /** Sessions whose entries the last read did not see, because they could not be deleted. */
  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  /** All that `run` writes is there when this returns, or nothing of it. */
  write<T>(run: (opened: Opened) => T, durability: Durability = "synced"): T {
    return this.#run((opened) => this.#write(opened, run, durability));
  }

  state(): StoreState {
    return this.read(({ tables }) => tables.state());
  }

  /** Of the machine: for times that other processes read. */
  nowMs(): number {
    return machineMs(this.#clock);
  }

  onWritten(listener: OnWritten): Disposable {
    const all = listeners.get(this.name) ?? new Set();
    listeners.set(this.name, all.add(listener));
    return {
      [Symbol.dispose]: () => {
        all.delete(listener);
        if (all.size === 0 && listeners.get(this.name) === all) listeners.delete(this.name);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#close();
  }

  /**
   * Whether none is left that has ended. Whoever reads has asked for no write: that one cannot be
   * made, as on a full disk, is no fault of theirs.
   */
  #endLeases(opened: Opened): boolean {
    const nowMs = this.nowMs();
    if (!opened.leases.hasEnded(nowMs)) return true;
    if (nowMs < this.#unwritableUntilMs) return false;
    try {
      this.#write(opened, () => undefined, "synced");
      return true;
    } catch (cause) {
      if (!isUnwritable(cause)) throw cause;
      this.#unwritableUntilMs = nowMs + TRY_AGAIN_MS;
      return false;
    }
  }

  /**
   * Which have ended is asked for a time at which all that the transaction sees was written: one
   * that was renewed meanwhile would look as if it were of another boot.
   */
  #hideEnded({ tables, leases }: Opened): void {
    tables.state();
    for (const id of leases.ended(this.nowMs())) this.#hidden.add(id);
  }

  #run<T>(run: (opened: Opened) => T): T {
    try {
      return run(this.#current());
    } catch (cause) {
      if (isBusy(cause)) throw cause;
      throw storeError(this.name, cause);
    } finally {
      if (this.#opened?.isAlone === true) this.#close();
    }
  }

  /**
   * Leases that have ended by then end first. That makes revisions, and one that others were told
   * must not come again, with other writes, after a power cut: so it is synced in any case. Which
   * have ended is asked once nobody else can write: whoever is held up before that may find what
   * was renewed meanwhile later than its own time, and take it for that of another boot.
   */
  #write<T>(opened: Opened, run: (opened: Opened) => T, durability: Durability): T {
    const { database, leases, tables, writer } = opened;
    const isSynced = durability === "synced" || leases.hasEnded(this.nowMs());
    database.exec(`PRAGMA synchronous = ${isSynced ? "FULL" : "NORMAL"}`);
    const { result, hasChanged } = this.#transaction(opened, "BEGIN IMMEDIATE", () => {
      this.#hidden.clear();
      const before = tables.state().revision;
      const nowMs = this.nowMs();
      for (const id of isSynced ? leases.ended(nowMs) : []) {
        writer.write([], tables.keysOf(id), nowMs);
        leases.remove(id);
      }
      const done = run(opened);
      return { result: done, hasChanged: tables.state().revision !== before };
    });
    if (hasChanged) this.#tell();
    return result;
  }

  #transaction<T>(opened: Opened, begin: "BEGIN" | "BEGIN IMMEDIATE", run: (opened: Opened) => T): T {
    const { database } = opened;
    database.exec(begin);
    try {
      const result = run(opened);
      this.#commit(database, begin);
      return result;
    } finally {
      if (database.isTransaction) database.exec("ROLLBACK");
    }
  }

  #commit(database: DatabaseSync, begin: string): void {
    try {
      database.exec("COMMIT");
    } catch (cause) {
      if (begin === "BEGIN" || isBusy(cause)) throw cause;
      throw unknownOutcome(this.name, cause);
    }
  }

  #tell(): void {
    for (const listener of listeners.get(this.name) ?? []) listener();
  }

  /**
   * The connection; a new one when the file was taken away, since nobody else would see writes to
   * it.
   */
  #current(): Opened {
    if (this.#isClosed) throw new RouterError("STORE_UNREACHABLE", `store ${this.name} is closed`);
    const opened = this.#opened;
    if (opened !== undefined && opened.inode === this.#inode()) return opened;
    this.#close();
    const database = openDatabase(this.name);
    const tables = new Tables(database, this.#hidden);
    const writer = new Writer(database, tables, this.#limits);
    const leases = new LeaseTable(database);
    this.#opened = { database, tables, leases, writer, inode: this.#inode(), isAlone: isAlone(database) };
    return this.#opened;
  }

  #close(): void {
    this.#opened?.database.close();
    this.#opened = undefined;
  }

  #inode(): bigint | undefined {
    return isInMemory(this.name) ? undefined : statSync(this.name, { bigint: true, throwIfNoEntry: false })?.ino;
  }
}
