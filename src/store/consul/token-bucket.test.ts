import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { TokenBucket } from "./token-bucket.ts";

const NEVER = new AbortController().signal;

/** How many are given out until somebody has to wait, when time does not pass. */
async function taken(bucket: TokenBucket, clock: ManualClock, atMost: number): Promise<number> {
  for (let count = 0; count < atMost; count++) {
    const stop = new AbortController();
    const take = bucket.take(stop.signal);
    const waits = clock.pending > 0;
    stop.abort(new Error("waited"));
    if (waits) return assert.rejects(take, /waited/u).then(() => count);
    await take;
  }
  return atMost;
}

test("token bucket: so many at once, then one each period, and no more than a burst however long nobody asked", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(3, 100, clock);
  assert.equal(await taken(bucket, clock, 10), 3);
  clock.advance(1_000_000);
  assert.equal(await taken(bucket, clock, 10), 3);
});

test("token bucket: who waits is let through when the next one comes", async () => {
  const clock = new ManualClock();
  const bucket = new TokenBucket(1, 100, clock);
  await bucket.take(NEVER);
  const second = bucket.take(NEVER);
  clock.advance(99);
  assert.equal(clock.pending, 1);
  clock.advance(1);
  await second;
});
