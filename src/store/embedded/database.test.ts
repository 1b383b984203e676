import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import fc from "fast-check";
import { systemClock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { systemRandom } from "../../core/random.ts";
import type { StoreAdapter, StoreOptions } from "../store.ts";
import { openEmbedded } from "./open-embedded.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-database-"));
after(() => rmSync(folder, { recursive: true }));

const signal = new AbortController().signal;
const nothing = (): void => undefined;
const observer = { called: nothing, watchLag: nothing, resynced: nothing, renewed: nothing, sessionLost: nothing };
const OPTIONS: StoreOptions = { clock: systemClock, random: systemRandom, observer };

function open(file: string): StoreAdapter {
  return openEmbedded({ kind: "embedded", file }, OPTIONS);
}

function keysOfFile(): string[] {
  const keys = Array.from({ length: 20 }, (_, at) => Array.from({ length: 60 }, (__, i) => `/k/${at}/${i}`));
  return keys.flat().toSorted();
}

function refused(message: RegExp, hint: RegExp): (cause: unknown) => boolean {
  return (cause) => {
    assert.ok(cause instanceof RouterError && cause.code === "STORE_REFUSED", String(cause));
    assert.match(cause.message, message);
    assert.match(cause.hint ?? "", hint);
    return true;
  };
}

/** A file with some hundred keys, closed. */
async function fileWithKeys(name: string): Promise<string> {
  const file = join(folder, name);
  await using store = open(file);
  for (let at = 0; at < 20; at++) {
    const writes = Array.from({ length: 60 }, (_, i) => {
      return { kind: "put" as const, key: `/k/${at}/${i}`, value: Buffer.alloc(200, i) };
    });
    await store.txn({ if: [], then: writes }, { signal });
  }
  return file;
}

test("embedded: a file that is no database, or another program's, is told as such and left as it is", async () => {
  const text = join(folder, "text.sqlite");
  writeFileSync(text, "not a database, but longer than the hundred bytes of a header: ".repeat(100));
  const before = readFileSync(text);
  assert.throws(() => open(text), refused(/the file is damaged/u, /move the file away/u));
  assert.deepEqual(readFileSync(text), before);

  const other = join(folder, "other.sqlite");
  using database = new DatabaseSync(other);
  database.exec("CREATE TABLE theirs (a); PRAGMA user_version = 1");
  assert.throws(() => open(other), refused(/is a database of another program/u, /name another file/u));
  assert.deepEqual(database.prepare("SELECT name FROM sqlite_schema").all().length, 1);
});

test("embedded: a file of a newer format is told with both numbers", async () => {
  const file = await fileWithKeys("newer.sqlite");
  using database = new DatabaseSync(file);
  database.exec("PRAGMA user_version = 7");
  assert.throws(() => open(file), refused(/has format 7: this Signalbox knows 1/u, /run the Signalbox that wrote it/u));
});

test("embedded: a file whose pages were overwritten, or that was cut off, is found when it is opened", async () => {
  const overwritten = await fileWithKeys("overwritten.sqlite");
  const { size } = statSync(overwritten);
  const descriptor = openSync(overwritten, "r+");
  for (let at = 3 * 4_096; at < size; at += 3 * 4_096) writeSync(descriptor, Buffer.alloc(4_096, 0xa5), 0, 4_096, at);
  assert.throws(() => open(overwritten), refused(/the file is damaged/u, /move the file away/u));

  const short = await fileWithKeys("short.sqlite");
  writeFileSync(short, readFileSync(short).subarray(0, Math.floor(size / 2)));
  assert.throws(() => open(short), refused(/the file is damaged/u, /move the file away/u));
});

test("embedded: a table that another definition stands for is found, though SQLite can read it", async () => {
  const file = await fileWithKeys("definition.sqlite");
  const bytes = readFileSync(file);
  bytes.write("UEXT", bytes.indexOf("TEXT", bytes.indexOf("CREATE TABLE entries")));
  writeFileSync(file, bytes);
  assert.throws(() => open(file), refused(/the file is damaged \(not as they were made: entries\)/u, /move the file/u));
});

test("embedded: whatever bytes are changed, the file is refused, or all of its keys are there", async () => {
  const good = readFileSync(await fileWithKeys("good.sqlite"));
  const file = join(folder, "changed.sqlite");
  const change = fc.tuple(fc.oneof(fc.nat(good.length - 1), fc.nat(4_095)), fc.integer({ min: 1, max: 255 }));
  const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 20 }), async (changes) => {
    const bytes = Buffer.from(good);
    for (const [at, by] of changes) bytes[at] = (bytes[at] ?? 0) ^ by;
    for (const end of ["-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    writeFileSync(file, bytes);
    try {
      await using store = open(file);
      const { entries } = await store.list("/", { signal });
      assert.deepEqual(
        entries.map(({ key }) => key),
        keysOfFile(),
      );
    } catch (cause) {
      refused(/the file is damaged|another program|has format/u, /move (the file|it) away|name another/u)(cause);
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

test("embedded: a place where no file can be is told with what is needed", () => {
  const directory = join(folder, "directory.sqlite");
  mkdirSync(directory);
  assert.throws(() => open(directory), refused(/cannot be opened.*EISDIR/u, /able to write/u));
  writeFileSync(join(folder, "file"), "");
  assert.throws(() => open(join(folder, "file", "store.sqlite")), refused(/cannot be opened/u, /able to write/u));
});

test("embedded: the file, and what SQLite puts beside it, is for its owner alone; directories are made", async () => {
  const file = join(folder, "made", "here", "store.sqlite");
  await using store = open(file);
  await store.txn({ if: [], then: [{ kind: "put", key: "/a", value: Buffer.from("v") }] }, { signal });
  for (const end of ["", "-wal", "-shm"]) assert.equal(statSync(`${file}${end}`).mode & 0o777, 0o600, end);
  assert.equal(statSync(join(folder, "made")).mode & 0o777, 0o700);
  chmodSync(join(folder, "made"), 0o700);
});

test("embedded: a file that is damaged while it is open is told by the calls, and a watch says that it is lost", async () => {
  const file = await fileWithKeys("later.sqlite");
  await using store = open(file);
  using database = new DatabaseSync(file);
  database.exec("DROP TABLE entries");
  await assert.rejects(store.list("/k/", { signal }), /no such table/u);
  const leaving = new AbortController();
  for await (const event of store.watch("/k/", { signal: leaving.signal })) {
    assert.equal(event.kind, "lost");
    leaving.abort();
  }
});

test("embedded: closed, calls say so, and watches end", async () => {
  const store = open(":memory:");
  const kinds: string[] = [];
  const watch = (async () => {
    for await (const event of store.watch("/", { signal })) kinds.push(event.kind);
  })();
  await store.get("/a", { signal });
  await store[Symbol.asyncDispose]();
  await watch;
  await assert.rejects(store.get("/a", { signal }), /is closed/u);
});
