import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { FACTS, HISTORY } from "./facts.ts";
import { type Durability, type Opened, StoreFile } from "./store-file.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-store-file-"));
after(() => rmSync(folder, { recursive: true }));

/** SQLite's numbers for whether a commit waits until it is safe on disk. */
const [NORMAL, FULL] = [1n, 2n];

function levelOf({ database }: Opened): unknown {
  return database.prepare("PRAGMA synchronous").get()?.["synchronous"];
}

test("store file: writes are synced, but for those that make no revision and say so", () => {
  const clock = new ManualClock();
  using file = new StoreFile(join(folder, "synced.sqlite"), clock, HISTORY);
  const level = (durability?: Durability): unknown => file.write(levelOf, durability);
  assert.deepEqual([level(), level("written"), level("synced")], [FULL, NORMAL, FULL]);
  const value = new Uint8Array(1);
  file.write(({ leases, writer }) => {
    leases.begin({ id: "ending", ttlMs: FACTS.minTtlMs }, clock.nowMs());
    writer.write([{ key: "/a", value, session: "ending" }], [], clock.nowMs());
  });
  clock.advance(FACTS.minTtlMs);
  assert.equal(level("written"), FULL, "the end of a lease makes a revision");
  assert.deepEqual([file.state().revision, level("written")], [2n, NORMAL]);
});

test("store file: whoever was held up before its write began does not end what was renewed meanwhile", () => {
  const clock = new ManualClock();
  const name = join(folder, "held-up.sqlite");
  using holder = new StoreFile(name, clock, HISTORY);
  const lease = { id: "renewed", ttlMs: FACTS.minTtlMs };
  const value = new Uint8Array(1);
  holder.write(({ leases, writer }) => {
    leases.begin(lease, clock.nowMs());
    writer.write([{ key: "/held", value, session: lease.id }], [], clock.nowMs());
  });
  const renew = (): void => holder.write(({ leases }) => leases.begin(lease, clock.nowMs()), "written");
  let isRenewed = false;
  // Another process, that loses the processor each time after it has asked what time it is.
  const heldUp: Clock = {
    nowMs() {
      const nowMs = clock.nowMs();
      clock.advance(10);
      try {
        renew();
        isRenewed = true;
      } catch {
        // The other one has begun to write: nobody else can.
      }
      return nowMs;
    },
    wallMs: () => clock.wallMs(),
    after: (delayMs, run) => clock.after(delayMs, run),
  };
  using other = new StoreFile(name, heldUp, HISTORY);
  other.write(({ writer }) => writer.write([{ key: "/other", value, session: undefined }], [], 0));
  assert.equal(other.read(({ tables }) => tables.entry("/held"))?.session, lease.id);
  assert.deepEqual(
    other.read(({ leases }) => leases.find(lease.id)),
    lease,
  );
  assert.ok(isRenewed);
});

test("store file: what throws within a transaction leaves nothing of it, and the next one goes on", () => {
  using file = new StoreFile(join(folder, "thrown.sqlite"), new ManualClock(), HISTORY);
  const value = new Uint8Array(1);
  const half = (): unknown =>
    file.write(({ writer }) => {
      writer.write([{ key: "/a", value, session: undefined }], [], 0);
      throw new Error("half of it");
    });
  assert.throws(half, /half of it/u);
  assert.equal(file.state().revision, 0n);
  file.write(({ writer }) => writer.write([{ key: "/a", value, session: undefined }], [], 0));
  assert.equal(file.state().revision, 1n);
});

test("store file: history is bounded by its changes and by its bytes, in whole revisions", () => {
  using file = new StoreFile(join(folder, "bounded.sqlite"), new ManualClock(), { maxChanges: 4, maxBytes: 100 });
  const put = (bytes: number, ...keys: readonly string[]): void => {
    const entries = keys.map((key) => ({ key, value: new Uint8Array(bytes), session: undefined }));
    file.write(({ writer }) => writer.write(entries, [], 0));
  };
  const compacted = (): number => Number(file.state().compacted);
  put(1, "/a", "/b", "/c");
  put(1, "/a");
  assert.equal(compacted(), 0);
  put(1, "/a"); // the fifth change: the three of the first revision go together
  assert.equal(compacted(), 1);
  put(98, "/a"); // 100 bytes
  assert.equal(compacted(), 1);
  put(2, "/a");
  assert.equal(compacted(), 3);
  put(101, "/a"); // more than may be kept: nothing is
  assert.equal(compacted(), 6);
  const kept = file.read(({ tables }) => tables.changesAfter(0n, HISTORY).changes.length);
  assert.equal(kept, 0);
});

test("store file: without room nothing is written, which is told with what to do; with room it goes on", () => {
  using file = new StoreFile(join(folder, "full.sqlite"), new ManualClock(), HISTORY);
  const put = (key: string): void => {
    const value = new Uint8Array(100_000);
    file.write(({ writer }) => writer.write([{ key, value, session: undefined }], [], 0));
  };
  const allow = (pages: number): void =>
    file.read(({ database }) => {
      database.prepare(`PRAGMA max_page_count = ${pages}`).get();
    });
  put("/a");
  allow(1); // what there is already stays allowed
  assert.throws(
    () => put("/b"),
    (cause) => {
      assert.ok(cause instanceof RouterError && cause.code === "STORE_REFUSED");
      assert.match(cause.message, /no room is left/u);
      assert.match(cause.hint ?? "", /make room on its disk/u);
      return true;
    },
  );
  assert.equal(
    file.read(({ tables }) => tables.entry("/b")),
    undefined,
  );
  assert.equal(file.state().revision, 1n);
  allow(1_000_000);
  put("/b");
  assert.equal(file.state().revision, 2n);
});

test("store file: without room to delete what has ended it is hidden, and all else can be read", () => {
  const clock = new ManualClock();
  using file = new StoreFile(join(folder, "ended.sqlite"), clock, HISTORY);
  const value = new Uint8Array(1);
  file.write(({ leases, writer }) => {
    leases.begin({ id: "ending", ttlMs: FACTS.minTtlMs }, clock.nowMs());
    leases.begin({ id: "living", ttlMs: 10 * FACTS.minTtlMs }, clock.nowMs());
    const entries = ["/ended", "/living", "/plain"].map((key) => ({ key, value, session: SESSIONS[key] }));
    writer.write(entries, [], clock.nowMs());
  });
  const { database } = file.read((opened) => opened);
  const exec = database.exec.bind(database);
  let isWriting = false;
  let writes = 0;
  database.exec = (sql) => {
    // Reads end in the same way, and need no room.
    if (sql === "COMMIT" && isWriting) throw Object.assign(new Error("disk is full"), { errcode: 13 });
    if (sql.startsWith("BEGIN")) isWriting = sql === "BEGIN IMMEDIATE";
    if (sql === "BEGIN IMMEDIATE") writes++;
    exec(sql);
  };
  const keys = (): string[] =>
    file.read(({ tables }) => {
      const { entries } = tables.page({ prefix: "/", after: undefined }, { entries: 10, bytes: 1_000 });
      return entries.filter(({ key }) => tables.entry(key) !== undefined).map(({ key }) => key);
    });
  assert.deepEqual(keys(), ["/ended", "/living", "/plain"]);
  clock.advance(FACTS.minTtlMs);
  for (let i = 0; i < 3; i++) assert.deepEqual(keys(), ["/living", "/plain"]);
  assert.deepEqual([file.state().revision, writes], [1n, 1], "it is not tried with each read");
  assert.throws(() => file.write(() => undefined), { code: "STORE_UNKNOWN" });
  clock.advance(1_000);
  assert.deepEqual([keys(), writes], [["/living", "/plain"], 3]);
  database.exec = exec;
  clock.advance(1_000);
  assert.deepEqual([keys(), file.state().revision], [["/living", "/plain"], 2n], "with room it is deleted");
});

const SESSIONS: Readonly<Record<string, string>> = { "/ended": "ending", "/living": "living" };
