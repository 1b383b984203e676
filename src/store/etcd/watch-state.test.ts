import assert from "node:assert/strict";
import { test } from "node:test";
import { Delivered } from "../delivered.ts";
import type { WatchResponse } from "./messages.ts";
import { WatchState } from "./watch-state.ts";

function answer(revision: bigint, watchId: bigint, ...modified: readonly bigint[]): WatchResponse {
  const events = modified.map((at) => ({
    isDelete: false,
    entry: { key: "/a", value: new Uint8Array(0), created: at, modified: at, lease: 0n },
  }));
  const none = { created: false, canceled: false, compactRevision: 0n, cancelReason: "", fragment: false };
  return { header: { clusterId: 1n, revision }, watchId, events, ...none };
}

test("a watch's state: what etcd says when it is asked how far it is moves no cursor, since changes may follow", () => {
  const listing = { entries: [], revision: 10n, hasMore: false, clusterId: 1n };
  const state = new WatchState(new Delivered(), listing);
  assert.deepEqual([state.hasPassed(10n), state.hasPassed(11n)], [true, false]);
  assert.deepEqual(state.take(answer(20n, -1n)), []);
  assert.deepEqual([state.cursor, state.hasPassed(20n), state.hasPassed(21n)], [11n, true, false]);
  assert.deepEqual(
    state.take(answer(20n, 0n, 15n)).map(({ revision }) => revision),
    [15n],
  );
  state.begin(); // another stream says so itself
  assert.deepEqual([state.hasPassed(15n), state.hasPassed(20n)], [true, false]);
});
