import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RouterError } from "../../core/errors.ts";
import { damaged, hasNoRoomForIndex, MOVE_AWAY } from "./sqlite-fault.ts";

/** Of the tables below. A change to them takes a new number, and steps from those before it. */
export const FORMAT = 1;
/** "SBOX": tells the file from databases of other programs. */
const APPLICATION_ID = 0x53_42_4f_58;

const MEMORY = ":memory:";
/** Only for the owner: it may hold secrets. SQLite gives -wal and -shm the same rights. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
/** What is left of the log of writes after it was taken over. */
const LOG_LEFT_BYTES = 16_777_216;

/**
 * `state`: one row. `born` is another one in a file that was made anew; history up to `compacted`
 * is gone. `entries`: what is there. `history`: what each revision wrote, in order; no value: it
 * was deleted; when, for people who look. `leases`: times in `machineMs`, which mean something in
 * the boot they are of.
 */
const TABLES = `
  CREATE TABLE state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    born TEXT NOT NULL,
    revision INTEGER NOT NULL,
    compacted INTEGER NOT NULL,
    history_bytes INTEGER NOT NULL
  );
  CREATE TABLE entries (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    session TEXT
  );
  CREATE INDEX entries_of_session ON entries (session) WHERE session IS NOT NULL;
  CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    key TEXT NOT NULL,
    value BLOB,
    created INTEGER,
    session TEXT,
    at_ms REAL NOT NULL
  );
  CREATE INDEX history_by_revision ON history (revision);
  CREATE TABLE leases (
    id TEXT NOT NULL PRIMARY KEY,
    ttl_ms REAL NOT NULL,
    boot TEXT NOT NULL,
    renewed_ms REAL NOT NULL,
    ends_ms REAL NOT NULL
  );
  INSERT INTO state VALUES (1, lower(hex(randomblob(16))), 0, 0, 0);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${FORMAT};
`;

export function isInMemory(file: string): boolean {
  return file.startsWith(MEMORY);
}

/**
 * A connection to the file, which is made where it is missing. `:memory:<name>` is one store for
 * all threads of the process, gone with its last connection.
 */
export function openDatabase(file: string): DatabaseSync {
  if (!isInMemory(file)) createFile(file);
  return withIndex(file, false, (database) => {
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${LOG_LEFT_BYTES}`);
    if (!hasTables(file, database)) createTables(file, database);
  });
}

/** Another connection, for a reader that takes several turns. */
export function openReader(file: string): DatabaseSync {
  return withIndex(file, true, (reader) => reader.prepare("SELECT 1 FROM sqlite_schema").get());
}

/** Whether nobody else can use the file until the connection is closed. */
export function isAlone(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA locking_mode").get()?.["locking_mode"] === "exclusive";
}

/**
 * Who opens the file first makes the -shm beside it, the index of its log, which all others share.
 * On a full disk that cannot be made: then the index is in the memory of this connection, which has
 * the file alone.
 */
function withIndex(file: string, readOnly: boolean, begin: (database: DatabaseSync) => void): DatabaseSync {
  try {
    return begun(connect(file, readOnly), begin);
  } catch (cause) {
    if (!hasNoRoomForIndex(cause)) throw cause;
    // A lock that keeps readers out takes the right to write.
    return begun(connect(file, false), (database) => {
      database.exec("PRAGMA locking_mode = EXCLUSIVE");
      begin(database);
    });
  }
}

function begun(database: DatabaseSync, begin: (database: DatabaseSync) => void): DatabaseSync {
  try {
    begin(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** Reads all of the file: 1 ms a megabyte, about. Throws `STORE_REFUSED` if it is damaged. */
export function checkDatabase(file: string, database: DatabaseSync): void {
  const [found] = Object.values(database.prepare("PRAGMA integrity_check(1)").get() ?? {});
  if (database.prepare("SELECT 1 FROM state").get() === undefined) throw damaged(file, "it has no state");
  if (found !== "ok") throw damaged(file, String(found).replaceAll("\n", " "));
  const unlike = namesUnlike(database);
  if (unlike.length > 0) throw damaged(file, `not as they were made: ${unlike.join(", ")}`);
}

/**
 * Tables and indexes of another definition than they were made with. SQLite finds nothing wrong
 * with one that it can read: a column of type `UEXT` is a number to it, and no key is found by.
 */
function namesUnlike(database: DatabaseSync): string[] {
  using made = new DatabaseSync(MEMORY);
  made.exec(TABLES);
  const found = definitions(database);
  return [...definitions(made)].flatMap(([name, definition]) => (found.get(name) === definition ? [] : [name]));
}

function definitions(database: DatabaseSync): Map<string, string> {
  const rows = database.prepare("SELECT name, type, tbl_name, sql FROM sqlite_schema").all();
  return new Map(rows.map(({ name, ...definition }) => [String(name), Object.values(definition).join(" ")]));
}

function connect(file: string, readOnly: boolean): DatabaseSync {
  const location = isInMemory(file) ? `file:/signalbox${file.slice(MEMORY.length)}?vfs=memdb` : file;
  return new DatabaseSync(location, { timeout: 0, readBigInts: true, readOnly });
}

function createFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    closeSync(openSync(file, "a", FILE_MODE));
  } catch (cause) {
    throw new RouterError("STORE_REFUSED", `store ${file} cannot be opened: ${String(cause)}`, {
      cause,
      hint: "the user that Signalbox runs as has to be able to write the file and its directory",
    });
  }
}

function hasTables(file: string, database: DatabaseSync): boolean {
  const format = pragma(database, "user_version");
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    if (format === 0 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined) return false;
    throw new RouterError("STORE_REFUSED", `store ${file} is a database of another program`, {
      hint: "name another file, or move it away",
    });
  }
  if (format === FORMAT) return true;
  throw new RouterError("STORE_REFUSED", `store ${file} has format ${format}: this Signalbox knows ${FORMAT}`, {
    hint: `run the Signalbox that wrote it, or: ${MOVE_AWAY}`,
  });
}

function createTables(file: string, database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    if (!hasTables(file, database)) database.exec(TABLES);
    database.exec("COMMIT");
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}
