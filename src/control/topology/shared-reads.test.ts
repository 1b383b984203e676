import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { SharedReads } from "./shared-reads.ts";

const { signal } = new AbortController();

function open(most = 10) {
  const clock = new ManualClock();
  const reads = new SharedReads<number>({ clock, freshMs: 1_000, longestMs: 10_000, most });
  const asked: {
    readonly signal: AbortSignal;
    readonly resolve: (value: number) => void;
    reject: (e: Error) => void;
  }[] = [];
  const ask = (by: AbortSignal): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    asked.push({ signal: by, resolve, reject });
    return promise;
  };
  return { clock, asked, read: (key = "k", by = signal) => reads.read(key, by, ask) };
}

test("all who ask the same at once, or within a second, get one answer", async () => {
  const { clock, asked, read } = open();
  const both = [read(), read()];
  asked[0]?.resolve(1);
  assert.deepEqual(await Promise.all(both), [1, 1]);
  clock.advance(999);
  assert.equal(await read(), 1);
  assert.equal(asked.length, 1);
  clock.advance(1);
  const later = read();
  asked[1]?.resolve(2);
  assert.equal(await later, 2);
  const other = read("another");
  asked[2]?.resolve(3);
  assert.equal(await other, 3);
});

test("what nobody waits for any more is ended, and not before", async () => {
  const { asked, read } = open();
  const leaving = new AbortController();
  const left = read("k", leaving.signal);
  const staying = read();
  leaving.abort(new Error("gone"));
  await assert.rejects(left, /gone/u);
  assert.equal(asked[0]?.signal.aborted, false);
  asked[0].resolve(1);
  assert.equal(await staying, 1);
  const last = new AbortController();
  const alone = read("other", last.signal);
  last.abort(new Error("gone"));
  await assert.rejects(alone, /gone/u);
  assert.equal(asked[1]?.signal.aborted, true);
  asked[1].reject(new Error("ended"));
  void read("other");
  assert.equal(asked.length, 3, "whoever asks then asks anew");
});

test("a failure is that of all who wait, and of nobody who asks later", async () => {
  const { asked, read } = open();
  const both = [read(), read()].map((one) => assert.rejects(one, /no store/u));
  asked[0]?.reject(new Error("no store"));
  await Promise.all(both);
  const next = read();
  asked[1]?.resolve(1);
  assert.equal(await next, 1);
});

test("what takes too long is ended, and only so many answers are kept", async () => {
  const { clock, asked, read } = open(1);
  const late = read();
  clock.advance(10_000);
  assert.equal(asked[0]?.signal.aborted, true);
  asked[0].resolve(0); // what is there by then
  assert.equal(await late, 0);
  const other = read("other");
  asked[1]?.resolve(1);
  await other;
  void read();
  assert.equal(asked.length, 3, "the first answer was given up for the second");
});
