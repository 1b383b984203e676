import assert from "node:assert/strict";
import test from "node:test";
import { bucketShares } from "./bucket-shares.ts";

const LIMIT = { perSecond: 1_000, burst: 200 };

test("bucket shares: without a lease a key has the part that the node has of everything", () => {
  const safe = { part: 0.02, untilMs: 60_000 };
  assert.deepEqual(bucketShares(LIMIT, safe, undefined), [{ perSecond: 20, burst: 4, untilMs: 60_000 }]);
  assert.deepEqual(bucketShares(LIMIT, { part: 0, untilMs: 60_000 }, undefined), []);
});

test("bucket shares: a lease comes on top of it, to its end", () => {
  const lease = { amount: 480, untilMs: 15_000 };
  assert.deepEqual(bucketShares(LIMIT, { part: 0.02, untilMs: 60_000 }, lease), [
    { perSecond: 500, burst: 100, untilMs: 15_000 },
    { perSecond: 20, burst: 4, untilMs: 60_000 },
  ]);
  assert.deepEqual(bucketShares(LIMIT, { part: 0.02, untilMs: 9_000 }, lease), [
    { perSecond: 500, burst: 100, untilMs: 9_000 },
    { perSecond: 480, burst: 96, untilMs: 15_000 },
  ]);
});
