import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Clock, machineMs } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { checkDatabase, isInMemory, openDatabase } from "./database.ts";
import { LeaseTable } from "./lease-table.ts";
import { isBusy, storeError, unknownOutcome } from "./sqlite-fault.ts";
import { type KeptHistory, type StoreState, Tables } from "./tables.ts";
import { Writer } from "./writer.ts";

/** What a transaction works with. */
export interface Opened {
  readonly database: DatabaseSync;
  readonly tables: Tables;
  readonly leases: LeaseTable;
  readonly writer: Writer;
  /** The file's number on its disk: another one has taken its place when it differs. */
  readonly inode: bigint | undefined;
}

/** `synced`: safe on disk when it returns. `written`: seen by all, lost with the machine alone. */
export type Durability = "synced" | "written";

/** Told after what this process wrote: other processes' writes are found by polling. */
export type OnWritten = () => void;

/** By file: those of this process (of this thread) that want to know of each other's writes. */
const listeners = new Map<string, Set<OnWritten>>();

/**
 * One connection to the store's file. All calls are synchronous, and throw either what `isBusy`
 * (nothing was done) or a `RouterError`.
 */
export class StoreFile implements Disposable {
  readonly name: string;
  readonly #clock: Clock;
  readonly #limits: KeptHistory;
  #opened: Opened | undefined;
  #isClosed = false;

  constructor(file: string, clock: Clock, limits: KeptHistory) {
    this.name = isInMemory(file) ? file : resolve(file);
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Opens it now and reads all of it once. */
  check(): void {
    this.#run(({ database }) => checkDatabase(this.name, database));
  }

  /**
   * All that `run` reads is of one moment; what belongs to leases that have ended is gone by then.
   */
  read<T>(run: (opened: Opened) => T): T {
    return this.#run((opened) => {
      if (opened.leases.hasEnded(this.nowMs())) this.#endLeases(opened);
      return this.#transaction(opened, "BEGIN", run);
    });
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

  /** Whoever reads has asked for no write, whose outcome there would be to tell. */
  #endLeases(opened: Opened): void {
    try {
      this.#write(opened, () => undefined, "synced");
    } catch (cause) {
      if (!(cause instanceof RouterError) || cause.code !== "STORE_UNKNOWN") throw cause;
      throw new RouterError(
        "STORE_UNREACHABLE",
        `store ${this.name}: ended sessions stay there: ${reasonOf(cause.cause)}`,
        {
          cause,
          hint: "make room on its disk, and look after it; Signalbox goes on by itself",
        },
      );
    }
  }

  #run<T>(run: (opened: Opened) => T): T {
    try {
      return run(this.#current());
    } catch (cause) {
      if (isBusy(cause)) throw cause;
      throw storeError(this.name, cause);
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
    const tables = new Tables(database);
    const writer = new Writer(database, tables, this.#limits);
    this.#opened = { database, tables, leases: new LeaseTable(database), writer, inode: this.#inode() };
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
