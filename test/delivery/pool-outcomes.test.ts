import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, BAD_DATA, failing, PoolRig, targetPlan, endOf, ends } from "./pool-rig.ts";

test("rejected points of a batch are borne in order until used up, exactly by a parcel that was alone", () => {
  const rig = new PoolRig();
  const [alone] = rig.offer(1, { items: 4 });
  rig.answer({ kind: "accepted", rejected: 3, message: "three are bad" });
  assert.deepEqual(endOf(alone!), { kind: "delivered", rejected: 3, message: "three are bad", target: "a" });
  const [a, b, c] = rig.offer(3, { items: 2 });
  rig.answer({ kind: "accepted", rejected: 3, message: "bad" });
  const message = "bad (said of a batch of 3 requests)";
  assert.deepEqual(endOf(a!), { kind: "delivered", rejected: 2, message, target: "a" });
  assert.deepEqual(endOf(b!), { kind: "delivered", rejected: 1, message, target: "a" });
  assert.deepEqual(endOf(c!), { kind: "delivered", rejected: 0, message: "" });
});

test("a warning of the target (nothing rejected, a message) reaches every sender in the batch", () => {
  const rig = new PoolRig();
  const offered = rig.offer(2);
  rig.answer({ kind: "accepted", rejected: 0, message: "slow down" });
  const message = "slow down (said of a batch of 2 requests)";
  for (const one of offered) assert.deepEqual(endOf(one), { kind: "delivered", rejected: 0, message });
});

test("what may be retried goes back to the front, in order, after a backoff that doubles", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  const offered = rig.offer(2);
  rig.answer(failing("unavailable"));
  assert.equal(rig.underWay, "");
  rig.pass(99);
  assert.equal(rig.underWay, "");
  rig.pass(1);
  assert.equal(rig.underWay, "a:AB");
  rig.offer();
  rig.answer(failing("reset"));
  assert.equal(rig.underWay, "a:C", "new ones do not wait for old ones");
  rig.pass(200);
  rig.offer();
  rig.answer();
  assert.equal(rig.underWay, "a:ABD");
  rig.answer();
  assert.equal(ends(offered), "delivered delivered");
  const retries = ["unavailable", "reset"].map((reason) => rig.metrics.poolRetries.with("p", reason).value);
  assert.deepEqual(retries, [1, 1]);
});

test("a delay that the only target names is waited for, when it is longer than the backoff", () => {
  const rig = new PoolRig();
  rig.offer();
  rig.answer(failing("throttled", 3_000));
  rig.pass(2_999);
  assert.equal(rig.underWay, "");
  rig.pass(1);
  assert.equal(rig.underWay, "a:A");
});

test("a throttled target is left alone for as long as it asked, also by new parcels, and others are used", () => {
  const alone = new PoolRig();
  alone.offer();
  alone.answer(failing("throttled", 1_000));
  assert.equal(alone.pool.usable("traces"), false);
  alone.offer();
  alone.pass(999);
  assert.equal(alone.underWay, "");
  alone.pass(1);
  assert.equal(alone.underWay, "a:AB");

  const two = new PoolRig(["a", "b"]);
  two.offer();
  two.answer(failing("throttled", 60_000));
  two.pass(100);
  assert.equal(two.underWay, "b:A");
});

test("a retry prefers another usable target than the one that just failed", () => {
  const rig = new PoolRig([targetPlan("a", { weight: 1_000_000 }), "b"], {
    strategy: { type: "weighted_round_robin" },
  });
  rig.offer();
  assert.equal(rig.underWay, "a:A");
  rig.answer(failing("timeout"));
  rig.pass(100);
  assert.equal(rig.underWay, "b:A");
  rig.answer(failing("timeout"));
  rig.pass(200);
  assert.equal(rig.underWay, "a:A");
});

test("without a connection a batch moves to each other target at once, and only then waits", () => {
  const rig = new PoolRig(["a", "b", "c"]);
  const offered = rig.offer(1, { deadlineMs: 60_000 });
  rig.answer(failing("connect"));
  assert.equal(rig.underWay, "b:A");
  rig.answer(failing("connect"));
  assert.equal(rig.underWay, "c:A");
  rig.answer(failing("connect"));
  assert.equal(rig.underWay, "");
  rig.pass(100);
  assert.equal(rig.calls.length, 1);
  rig.answer();
  assert.equal(ends(offered), "delivered");
});

test("max_retries ends in failure, with a hint when to come again", () => {
  const rig = new PoolRig(["a"], { retry: { initialMs: 100, maxMs: 5_000, maxRetries: 1, budget: 0.2 } });
  const [offered] = rig.offer();
  rig.answer(failing("reset"));
  rig.pass(100);
  rig.answer(failing("reset"));
  const want = { kind: "failed", reason: "target_failed", message: "reset", retryAfterMs: 200, target: "a" } as const;
  assert.deepEqual(endOf(offered!), want);
});

test("whose deadline passes at any step of a turn is told so once, or sent", () => {
  const kinds = new Set<string>();
  for (let deadlineMs = 1; deadlineMs <= 60; deadlineMs++) {
    const rig = new PoolRig();
    const offered = [1, 2].map(() => rig.give({ deadlineMs }));
    rig.clock.tickMs = 1;
    rig.turn();
    rig.clock.tickMs = 0;
    for (const call of rig.calls.splice(0)) call.answer(ACCEPTED);
    rig.pass(100);
    for (const { outcomes } of offered) {
      assert.equal(outcomes.length, 1);
      kinds.add(outcomes[0]!.kind);
    }
  }
  assert.deepEqual([...kinds], ["failed", "delivered"]);
});

test("what could only be tried again after its deadline fails at once", () => {
  const rig = new PoolRig();
  const offered = [...rig.offer(1, { deadlineMs: 50 })];
  rig.answer(failing("reset"));
  assert.equal(ends(offered), "target_failed");
});

test("what was sent is answered `deadline` or `cancelled` when nobody waits any more and it failed", () => {
  const rig = new PoolRig();
  const offered = rig.offer(2, { deadlineMs: 50 });
  offered[1]!.receipt.cancelled = true;
  rig.pass(50);
  rig.answer(failing("timeout"));
  assert.equal(ends(offered), "deadline cancelled");
});

test("the retry budget stops retries of what senders wait for, and only delays what was acknowledged", () => {
  const rig = new PoolRig(["a", "b"], { retry: { initialMs: 1, maxMs: 1_000, maxRetries: undefined, budget: 0 } });
  const alone = { batch: { maxItems: 1, maxBytes: 1_000, maxWaitMs: 0 } };
  rig.update(alone, [targetPlan("a"), targetPlan("b")]);
  const awaited = rig.offer(100, { deadlineMs: 600_000 });
  while (rig.calls.length > 0) rig.answer(failing("throttled", 0));
  const acknowledged = rig.offer(4);
  const late = rig.offer(4, { deadlineMs: 600_000 });
  while (rig.calls.length > 0) rig.answer(failing("throttled", 0));
  assert.match(ends(awaited), /^(- ?){100}$/u);
  assert.equal(ends(acknowledged), "- - - -");
  assert.match(ends(late), /^(target_failed ?){4}$/u);
  for (let i = 0; i < 50; i++) {
    rig.pass(1_000);
    rig.answerAll();
  }
  assert.match(ends(acknowledged), /^(delivered ?)+$/u);
});

test("a parcel above the target's max_request_bytes is cut and never sent whole", () => {
  const rig = new PoolRig([targetPlan("a", { maxRequestBytes: 250 })]);
  const offered = rig.offer(1, { items: 4, bytes: 400 });
  assert.deepEqual(
    rig.calls.map(({ batch }) => batch.bytes),
    [200, 200],
  );
  rig.answerAll();
  assert.equal(ends(offered), "delivered");
  const tooBig = rig.offer(1, { items: 1, bytes: 251 });
  assert.equal(ends(tooBig), "rejected");
});

test("bad data in a batch of several: each is sent again alone, and only the bad one is rejected", () => {
  const rig = new PoolRig();
  const offered = rig.offer(3);
  rig.answer(BAD_DATA);
  assert.equal(rig.underWay, "a:A a:B a:C");
  rig.calls[1]!.answer(BAD_DATA);
  rig.answerAll();
  assert.equal(ends(offered), "delivered rejected delivered");
  assert.deepEqual(endOf(offered[1]!), { kind: "rejected", message: "bad", badData: true, target: "a" });
});

test("another rejection rejects the whole batch", () => {
  const rig = new PoolRig();
  const offered = rig.offer(2);
  rig.answer({ kind: "rejected", code: "UNIMPLEMENTED", message: "no such service", badData: false });
  assert.deepEqual(rig.calls, []);
  assert.equal(ends(offered), "rejected rejected");
});
