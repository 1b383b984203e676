import assert from "node:assert/strict";
import { test } from "node:test";
import { Liveness, PingPolicy, wasSilent } from "./liveness.ts";

const OPTIONS = { timeMs: 100, timeoutMs: 30 };

test("a quiet peer is asked, and lost when it does not answer", () => {
  const liveness = new Liveness(OPTIONS, 0, 5);
  assert.equal(liveness.dueMs, 100);
  assert.deepEqual([liveness.check(100, 5, true), liveness.dueMs], ["ping", 130]);
  assert.deepEqual([liveness.check(130, 5, true), liveness.dueMs], ["lost", Number.POSITIVE_INFINITY]);
});

test("any byte is an answer", () => {
  const liveness = new Liveness(OPTIONS, 0, 0);
  assert.equal(liveness.check(100, 0, true), "ping");
  assert.deepEqual([liveness.check(130, 1, true), liveness.dueMs], ["well", 230]);
  assert.deepEqual([liveness.check(230, 2, true), liveness.dueMs], ["well", 330]);
  assert.deepEqual([liveness.check(330, 2, true), liveness.dueMs], ["ping", 360]);
});

test("whom nobody waits for is not asked", () => {
  const liveness = new Liveness(OPTIONS, 0, 0);
  assert.deepEqual([liveness.check(100, 0, false), liveness.dueMs], ["well", 200]);
  assert.deepEqual([liveness.check(200, 0, true), liveness.dueMs], ["ping", 230]);
  assert.equal(liveness.check(230, 0, false), "lost");
});

test("0 is never", () => {
  assert.equal(new Liveness({ timeMs: 0, timeoutMs: 30 }, 0, 0).dueMs, Number.POSITIVE_INFINITY);
});

test("who is told of too many pings asks half as often each time, up to two hours", () => {
  const policy = new PingPolicy({ timeMs: 300_000, timeoutMs: 10 });
  policy.heed("");
  assert.equal(policy.timeMs, 300_000);
  const liveness = new Liveness(policy, 0, 0);
  policy.heed("too_many_pings");
  assert.deepEqual([liveness.check(300_000, 1, true), liveness.dueMs], ["well", 900_000]);
  for (let times = 0; times < 9; times++) policy.heed("too_many_pings");
  assert.equal(policy.timeMs, 7_200_000);
  const never = new PingPolicy({ timeMs: 0, timeoutMs: 10 });
  never.heed("too_many_pings");
  assert.equal(never.timeMs, 0);
});

test("a short call tells nothing about its connection", () => {
  assert.equal(wasSilent(5, 5, 999), false);
  assert.equal(wasSilent(5, 5, 1_000), true);
  assert.equal(wasSilent(5, 6, 1_000), false);
});
