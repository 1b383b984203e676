import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry, WatchEvent } from "../store.ts";
import { MAX_WAITING, WatchQueue } from "./watch-queue.ts";

const entry = (key: string, modified: number): Entry => {
  return { key, value: new Uint8Array(0), created: 1n, modified: BigInt(modified), session: undefined };
};
const change = (i: number, deletes: readonly string[] = []): WatchEvent => {
  return { kind: "changes", puts: [entry(`/k${i % 10}`, i)], deletes, revision: BigInt(i) };
};

async function allOf(queue: WatchQueue, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  while (events.length < count) {
    const event = await queue.next();
    assert.ok(event);
    events.push(event);
  }
  return events;
}

test("a watch's queue: in order, each by itself, and what comes while it is waited for", async () => {
  const queue = new WatchQueue(new AbortController().signal);
  const waiting = allOf(queue, 3);
  for (const i of [1, 2, 3]) queue.push(change(i));
  assert.deepEqual(await waiting, [change(1), change(2), change(3)]);
});

test("a watch's queue: it ends with its signal, also while it is waited for, whatever there is", async () => {
  const stop = new AbortController();
  const queue = new WatchQueue(stop.signal);
  const waiting = queue.next();
  stop.abort();
  assert.equal(await waiting, undefined);
  queue.push(change(1));
  assert.equal(await queue.next(), undefined);
});

/** A reader that stays away for so many changes, and what it finds. */
async function away(first: readonly WatchEvent[], last: readonly WatchEvent[], count: number): Promise<WatchEvent[]> {
  const queue = new WatchQueue(new AbortController().signal);
  for (const event of [...first, ...last]) queue.push(event);
  for (let i = first.length + last.length; i <= MAX_WAITING; i++) queue.push(change(100 + i, ["/gone"]));
  return allOf(queue, count);
}

test("a watch's queue: a reader that is far behind gets states, and no more than there are", async () => {
  const [event] = await away([], [{ kind: "changes", puts: [entry("/gone", 1)], deletes: [], revision: 1n }], 1);
  assert.ok(event?.kind === "changes");
  assert.equal(event.puts.length, 10);
  assert.deepEqual([event.deletes, event.revision], [["/gone"], BigInt(100 + MAX_WAITING)]);
});

test("a watch's queue: a snapshot stays one, a gap stays known, and whether the store is there comes last", async () => {
  const snapshot: WatchEvent = { kind: "snapshot", entries: [entry("/gone", 1), entry("/stays", 1)], revision: 1n };
  const [begun, link] = await away([snapshot, { kind: "synced", revision: 1n }], [{ kind: "lost", reason: "x" }], 2);
  assert.ok(begun?.kind === "snapshot" && begun.revision === BigInt(100 + MAX_WAITING));
  assert.deepEqual(new Set(begun.entries.map(({ key }) => key)).size, 11);
  assert.ok(!begun.entries.some(({ key }) => key === "/gone"));
  assert.deepEqual(link, { kind: "lost", reason: "x" });
  const resync: WatchEvent = { kind: "resync", why: "wiped", puts: [], deletes: ["/k1"], revision: 2n };
  const [gap] = await away([resync], [], 1);
  assert.ok(gap?.kind === "resync" && gap.why === "wiped");
  assert.deepEqual([gap.puts.length, gap.deletes], [10, ["/gone"]]);
});
