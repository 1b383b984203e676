import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { HISTORY } from "./facts.ts";
import { Feed, type HistoryBatch, POLL_MS } from "./feed.ts";
import { StoreFile } from "./store-file.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-feed-"));
after(() => rmSync(folder, { recursive: true }));

class Rig implements Disposable {
  readonly clock = new ManualClock();
  readonly file: StoreFile;
  readonly other: StoreFile;
  readonly feed: Feed;
  readonly #born: string;

  constructor(name: string) {
    this.file = new StoreFile(join(folder, name), this.clock, HISTORY);
    this.other = new StoreFile(join(folder, name), this.clock, HISTORY);
    this.feed = new Feed(this.file, this.clock);
    this.#born = this.file.state().born;
  }

  write(key: string): void {
    const entry = { key, value: new Uint8Array(1), session: undefined };
    this.other.write(({ writer }) => writer.write([entry], [], 0));
  }

  /** What follows a revision. */
  after(revision: bigint): HistoryBatch {
    const found = this.feed.after({ born: this.#born, revision });
    assert.ok(found.kind === "batch");
    return found;
  }

  [Symbol.dispose](): void {
    for (const part of [this.feed, this.file, this.other]) part[Symbol.dispose]();
  }
}

test("feed: what was read once is read for all, until somebody writes", () => {
  using rig = new Rig("shared.sqlite");
  rig.write("/a");
  const first = rig.after(0n);
  assert.deepEqual([first.to, first.isWhole], [1n, true]);
  assert.equal(rig.after(0n).changes, first.changes, "the same, not read again");
  rig.write("/b");
  const second = rig.after(0n);
  assert.deepEqual([second.to, second.changes.map(({ key }) => key)], [2n, ["/a", "/b"]]);
  assert.deepEqual(rig.after(2n).changes, []);
});

test("feed: what is written wakes who waits, and who does not wait yet", async () => {
  using rig = new Rig("woken.sqlite");
  const leaving = new AbortController();
  using waiter = rig.feed.join(leaving.signal);
  const waiting = waiter.changed();
  rig.write("/a");
  await waiting;
  rig.write("/b");
  await Promise.resolve(); // the wake comes while nobody waits
  await waiter.changed();
  const last = waiter.changed();
  leaving.abort();
  await last;
  assert.equal(rig.feed.size, 0);
});

test("feed: it looks for the writes of others while anybody watches, and only then", async () => {
  using rig = new Rig("polled.sqlite");
  assert.equal(rig.clock.pending, 0);
  const leaving = new AbortController();
  const waiters = [rig.feed.join(leaving.signal), rig.feed.join(leaving.signal)];
  assert.equal(rig.clock.pending, 1);
  rig.clock.advance(10 * POLL_MS);
  assert.equal(rig.clock.pending, 1);
  waiters[0]?.[Symbol.dispose]();
  assert.deepEqual([rig.clock.pending, rig.feed.size], [1, 1]);
  leaving.abort();
  assert.deepEqual([rig.clock.pending, rig.feed.size], [0, 0]);
});
