import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, DELIVERED, failing, PoolRig, targetPlan, endOf, ends } from "./pool-rig.ts";

test("parcels that arrive in the same turn leave together, as one concatenated batch", () => {
  const rig = new PoolRig();
  const offered = [rig.give({ items: 2 }), rig.give({ items: 3 })];
  assert.equal(rig.underWay, "");
  rig.turn();
  assert.equal(rig.underWay, "a:AB");
  const { batch } = rig.calls[0]!;
  assert.deepEqual([batch.items, batch.points, batch.bytes, batch.pieces.length], [5, 5, 200, 2]);
  rig.answer();
  assert.deepEqual(offered.map(endOf), [DELIVERED, DELIVERED]);
  assert.deepEqual([rig.pool.heldBytes, rig.pool.queuedBytes, rig.pool.inFlight], [0, 0, 0]);
  assert.deepEqual(
    offered.map(({ record }) => record.attempts),
    [1, 1],
  );
});

test("a batch has one signal, and the oldest goes first", () => {
  const rig = new PoolRig();
  rig.give({ signal: "logs" });
  rig.clock.advance(1);
  rig.give({ signal: "traces" });
  rig.give({ signal: "logs" });
  rig.turn();
  assert.equal(rig.underWay, "a:AC a:B");
});

test("a batch keeps to max_items and max_bytes; a larger parcel goes alone", () => {
  const rig = new PoolRig(["a"], { batch: { maxItems: 3, maxBytes: 250, maxWaitMs: 0 } });
  rig.give({ items: 2 });
  rig.give({ items: 2 });
  rig.give({ items: 1 });
  rig.give({ bytes: 900 });
  rig.turn();
  assert.equal(rig.underWay, "a:A a:BC a:D");
});

test("while all windows are full parcels gather, and leave together when there is room", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  rig.offer();
  rig.offer();
  rig.offer();
  assert.equal(rig.underWay, "a:A");
  assert.deepEqual([rig.pool.queuedItems, rig.pool.queuedBytes, rig.pool.inFlight], [2, 200, 1]);
  rig.answer();
  assert.equal(rig.underWay, "a:BC");
});

test("max_wait makes new parcels wait, until a batch is full or the time is up", () => {
  const rig = new PoolRig(["a"], { batch: { maxItems: 3, maxBytes: 10_000, maxWaitMs: 50 } });
  rig.offer();
  rig.pass(49);
  assert.equal(rig.underWay, "");
  rig.pass(1);
  assert.equal(rig.underWay, "a:A");
  rig.offer(3);
  assert.equal(rig.underWay, "a:A a:BCD");
});

test("the target is chosen when bytes are about to leave: a backlog goes to a target that comes later", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  rig.offer();
  rig.offer(2);
  rig.update({}, ["a", "b"]);
  assert.equal(rig.underWay, "a:A b:BC");
});

test("a target that hangs holds its window, and the others take the rest", () => {
  const rig = new PoolRig(["a", "b"]);
  for (let i = 0; i < 20; i++) {
    rig.offer();
    if (rig.calls.some(({ target }) => target === "b")) rig.answer(ACCEPTED, "b");
  }
  assert.equal(rig.calls.filter(({ target }) => target === "a").length, 4);
  assert.equal(rig.taken.length, 16);
});

test("the window grows while more waits, and shrinks when the target is overloaded", () => {
  const rig = new PoolRig(["a"], { batch: { maxItems: 1, maxBytes: 10_000, maxWaitMs: 0 } });
  const offered = rig.offer(60);
  assert.equal(rig.calls.length, 4);
  for (let i = 0; i < 9; i++) rig.answer();
  assert.equal(rig.calls.length, 6);
  rig.pass(5);
  rig.answer(failing("unavailable"));
  assert.equal(rig.targets.get("a")!.windowSize(), 4);
  rig.pass(1_000);
  rig.answerAll();
  assert.ok(offered.every((one) => endOf(one).kind === "delivered"));
});

test("the queue is bounded in bytes, those under way included; what does not fit stays the caller's", () => {
  const rig = new PoolRig(["a"], { queue: { maxBytes: 250, maxAgeMs: 60_000 } });
  rig.offer(2);
  assert.equal(rig.pool.hasRoom(50, "traces"), true);
  assert.equal(rig.pool.hasRoom(51, "traces"), false);
  const refused = rig.give();
  assert.equal(refused.answer, "full");
  rig.answer();
  assert.equal(rig.give().answer, "accepted");
  assert.deepEqual(refused.outcomes, []);
});

test("an attempt takes the target's timeout, or a millisecond more than is left until the latest deadline in the batch", () => {
  const rig = new PoolRig([targetPlan("a", { timeoutMs: 5_000 })]);
  rig.give({ deadlineMs: 1_000 });
  rig.give({ deadlineMs: 3_000 });
  rig.turn();
  rig.offer(1, { deadlineMs: 60_000 });
  assert.deepEqual(
    rig.calls.map(({ timeoutMs }) => timeoutMs),
    [3_001, 5_000],
  );
});

test("a parcel whose deadline passes in the queue fails with `deadline` at that moment and is never sent", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  rig.offer();
  const offered = [...rig.offer(1, { deadlineMs: 500 }), ...rig.offer(1, { deadlineMs: 300 }), ...rig.offer()];
  rig.pass(299);
  assert.equal(ends(offered), "- - -");
  rig.pass(1);
  assert.equal(ends(offered), "- deadline -");
  rig.pass(200);
  assert.equal(ends(offered), "deadline deadline -");
  rig.answer();
  assert.equal(rig.underWay, "a:D");
});

test("a parcel older than max_age is given up, and a shorter max_age holds at once", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })], { queue: { maxBytes: 10_000, maxAgeMs: 1_000 } });
  rig.offer();
  const offered = rig.offer(1);
  rig.pass(400);
  offered.push(...rig.offer(1));
  rig.update({ queue: { maxBytes: 10_000, maxAgeMs: 300 } }, [targetPlan("a", { maxInFlight: 1 })]);
  assert.equal(ends(offered), "deadline -");
  rig.pass(300);
  assert.equal(ends(offered), "deadline deadline");
});

test("what its sender no longer waits for is not sent, and does not hold up the rest", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  rig.offer();
  const [gone, stays] = rig.offer(2);
  gone!.receipt.cancelled = true;
  rig.answer();
  assert.equal(rig.underWay, "a:C");
  assert.equal(ends([gone!, stays!]), "cancelled -");
});
