import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../../core/random.ts";
import { retryDelayMs } from "./retry-delay.ts";
import { DebtBucket } from "./debt-bucket.ts";

const FOREVER = Number.POSITIVE_INFINITY;

test("bucket: a request of any size is let in while there is a token, and its debt is paid first", () => {
  const bucket = new DebtBucket(0, [{ perSecond: 100, burst: 50, untilMs: FOREVER }], 50);
  assert.equal(bucket.take(250, 0), true);
  assert.equal(bucket.take(1, 1_999), false);
  assert.equal(Math.round(bucket.waitMs(1_999)), 11);
  assert.equal(bucket.take(1, 2_010), true);
});

test("bucket: it is filled to the end of the share, and then by the next one", () => {
  const shares = [
    { perSecond: 100, burst: 100, untilMs: 1_000 },
    { perSecond: 10, burst: 5, untilMs: 3_000 },
  ];
  const bucket = new DebtBucket(0, shares);
  assert.equal(bucket.tokensAt(500), 50);
  assert.equal(bucket.tokensAt(1_000), 5);
  assert.equal(bucket.take(15, 1_000), true);
  assert.equal(bucket.tokensAt(2_500), 5);
  assert.equal(bucket.tokensAt(3_000), 0);
  assert.equal(bucket.take(1, 1_000_000), false);
  assert.equal(bucket.waitMs(1_000_000), FOREVER);
});

test("bucket: a long time without a request is filled by each share for its own time", () => {
  const shares = [
    { perSecond: 100, burst: 1_000, untilMs: 1_000 },
    { perSecond: 10, burst: 500, untilMs: 3_000 },
  ];
  assert.equal(new DebtBucket(0, shares).tokensAt(2_000), 110);
});

test("bucket: a larger share brings no tokens, a smaller one takes those that do not fit", () => {
  const bucket = new DebtBucket(0, [{ perSecond: 10, burst: 10, untilMs: FOREVER }]);
  bucket.setShares([{ perSecond: 1_000, burst: 1_000, untilMs: FOREVER }], 500);
  assert.equal(bucket.tokensAt(500), 5);
  bucket.setShares([{ perSecond: 1, burst: 2, untilMs: FOREVER }], 600);
  assert.equal(bucket.tokensAt(600), 2);
});

test("bucket: what was let in and refused afterwards comes back, up to the burst", () => {
  const bucket = new DebtBucket(0, [{ perSecond: 10, burst: 20, untilMs: FOREVER }], 20);
  bucket.take(15, 0);
  bucket.giveBack(15, 0);
  assert.equal(bucket.tokensAt(0), 20);
  bucket.giveBack(15, 100);
  assert.equal(bucket.tokensAt(100), 20);
});

test("retry delay: senders that are told at once do not come back at once", () => {
  const random = seededRandom(3);
  const delays = Array.from({ length: 100 }, () => retryDelayMs(2_000, random));
  assert.ok(delays.every((ms) => ms >= 2_000 && ms <= 4_000));
  assert.ok(new Set(delays).size > 90);
  assert.ok(retryDelayMs(FOREVER, random) <= 60_000);
});
