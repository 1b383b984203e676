import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { Revision, StoreCheck } from "../store.ts";
import { compactRegularly, HISTORY_KEPT_MS } from "./compaction.ts";

const told = (revision: Revision): StoreCheck => ({
  latencyMs: 1,
  version: "3.5.16",
  revision,
  clock: undefined,
  warnings: [],
});

test("compaction: every five minutes to where the store was five minutes ago, and no further", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const compacted: Revision[] = [];
  const revisions: (Revision | undefined)[] = [100n, 200n, undefined, 300n, 300n, 5n, 8n];
  const rounds = revisions.length;
  const store = {
    check: async () => {
      const revision = revisions.shift();
      if (revision === undefined) throw new Error("not there");
      return told(revision);
    },
    compact: async (revision: Revision) => void compacted.push(revision),
  };
  const running = compactRegularly(store, { clock, signal: stop.signal });
  const each: Revision[][] = [];
  for (;;) {
    while (clock.pending === 0) await new Promise(setImmediate);
    each.push(compacted.splice(0));
    if (each.length === rounds) break;
    clock.advance(HISTORY_KEPT_MS - 1);
    assert.equal(clock.pending, 1);
    clock.advance(1);
  }
  assert.deepEqual(each, [[], [100n], [], [200n], [], [], [5n]]);
  stop.abort(new Error("no longer leads"));
  await running;
  assert.equal(clock.pending, 0);
});

test("compaction: a store whose history is not ours is let alone", async () => {
  const store = { check: () => assert.fail("nobody asks it") };
  await compactRegularly(store, { clock: new ManualClock(), signal: new AbortController().signal });
});
