import assert from "node:assert/strict";
import { test } from "node:test";
import { WatchSlots } from "./watch-slots.ts";

const NEVER = new AbortController().signal;

test("slots: who comes when none is free waits for its turn, in order", async () => {
  const slots = new WatchSlots(1);
  const order: string[] = [];
  const first = await slots.take(NEVER);
  const later = ["second", "third"].map(async (name) => {
    using _ = await slots.take(NEVER);
    order.push(name);
  });
  assert.equal(slots.isShort, true);
  first[Symbol.dispose]();
  await Promise.all(later);
  assert.deepEqual([order, slots.isShort], [["second", "third"], false]);
});

test("slots: who stops waiting leaves its turn to the next", async () => {
  const slots = new WatchSlots(1);
  const first = await slots.take(NEVER);
  const stop = new AbortController();
  const leaving = slots.take(stop.signal);
  const staying = slots.take(NEVER);
  stop.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/u);
  first[Symbol.dispose]();
  (await staying)[Symbol.dispose]();
});
