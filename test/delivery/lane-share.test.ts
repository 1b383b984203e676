import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../scenario/ledger-rig.ts";
import { spans } from "./channel-rig.ts";

const GOLD = spans([{ name: "g", tier: "gold" }]);
const PLAIN = spans([{ name: "p", tier: "tin!" }]);

/**
 * A pool with a lane for gold and one for all else, whose queue has room for so many requests;
 * nobody answers.
 */
function open(requests: number): Rig {
  assert.equal(GOLD.length, PLAIN.length);
  return new Rig(`
targets: [{ id: a, endpoint: "http://a.test:4317" }, { id: b, endpoint: "http://b.test:4317" }]
pools:
  p:
    targets: [a, b]
    queue: { max_bytes: "${requests * GOLD.length}B" }
    strategy:
      type: content
      cases: [{ conditions: [{ attribute: { key: user.tier, equals: gold } }], targets: [a] }]
      otherwise: [b]
default_pool: p
`);
}

/** Sends until the pool takes no more: how many it took. */
function fill(rig: Rig, request: Buffer, most = 100): number {
  for (let taken = 0; taken < most; taken++) {
    if (rig.handle("traces", request).replies.length > 0) return taken;
  }
  return most;
}

test("lanes: one that nobody empties takes half of the queue of two, the other gets all the rest", async () => {
  await using rig = open(10);
  assert.equal(fill(rig, GOLD), 5);
  assert.equal(fill(rig, PLAIN), 5);
  assert.deepEqual([fill(rig, GOLD), fill(rig, PLAIN)], [0, 0]);
});

test("lanes: one that has nothing takes whatever is free, also more than its part", async () => {
  await using rig = open(10);
  assert.equal(fill(rig, GOLD, 4), 4);
  let large = PLAIN;
  for (let items = 2; large.length <= 5 * GOLD.length; items++) {
    large = spans(Array.from({ length: items }, () => ({ name: "p" })));
  }
  assert.ok(large.length <= 6 * GOLD.length, "no more than what is free");
  assert.equal(fill(rig, large, 1), 1);
});

test("lanes: a lane that has something takes up to its part, however little is free", async () => {
  await using rig = open(10);
  assert.equal(fill(rig, GOLD, 4), 4);
  assert.equal(fill(rig, PLAIN, 4), 4);
  assert.deepEqual([fill(rig, GOLD), fill(rig, PLAIN)], [1, 1]);
});
