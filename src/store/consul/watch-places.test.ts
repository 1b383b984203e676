import assert from "node:assert/strict";
import { test } from "node:test";
import { WatchPlaces } from "./watch-places.ts";

const NEVER = new AbortController().signal;

test("places: who comes when none is free waits for its turn, in order", async () => {
  const places = new WatchPlaces(1);
  const order: string[] = [];
  const first = await places.take(NEVER);
  const later = ["second", "third"].map(async (name) => {
    using _ = await places.take(NEVER);
    order.push(name);
  });
  assert.equal(places.isShort, true);
  first[Symbol.dispose]();
  await Promise.all(later);
  assert.deepEqual([order, places.isShort], [["second", "third"], false]);
});

test("places: who stops waiting leaves its turn to the next", async () => {
  const places = new WatchPlaces(1);
  const first = await places.take(NEVER);
  const stop = new AbortController();
  const leaving = places.take(stop.signal);
  const staying = places.take(NEVER);
  stop.abort(new Error("enough"));
  await assert.rejects(leaving, /enough/u);
  first[Symbol.dispose]();
  (await staying)[Symbol.dispose]();
});
