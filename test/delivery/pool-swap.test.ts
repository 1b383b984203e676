import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, BAD_DATA, TOO_LARGE, failing, PoolRig, targetPlan, ends } from "./pool-rig.ts";

test("a swap: queued parcels stay, what is under way goes on, the new strategy holds at once", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 }), targetPlan("b", { maxInFlight: 1 })]);
  const offered = [...rig.offer(), ...rig.offer(), ...rig.offer(), ...rig.offer()];
  assert.equal(rig.underWay, "a:A b:B");
  rig.update({ strategy: { type: "failover", returnAfterMs: 0 } }, ["b", "c"]);
  rig.answer(ACCEPTED, "a");
  assert.equal(rig.underWay, "b:B", "c waits for b to fail");
  rig.answer(ACCEPTED, "b");
  assert.equal(rig.underWay, "b:CD");
  rig.answer();
  assert.equal(ends(offered), "delivered delivered delivered delivered");
});

test("a swap that takes the target of a failed batch out sends it to those that are left", () => {
  const rig = new PoolRig(["a"]);
  const offered = rig.offer();
  rig.update({}, ["b"]);
  rig.answer(failing("reset"), "a");
  rig.pass(100);
  assert.equal(rig.underWay, "b:A");
  rig.answer();
  assert.equal(ends(offered), "delivered");
});

test("a swap from broadcast to one target each, and back, settles everything once", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 }), targetPlan("b", { maxInFlight: 1 })], {
    strategy: { type: "broadcast" },
  });
  const offered = [...rig.offer(), ...rig.offer()];
  rig.update({ strategy: { type: "round_robin" } }, ["a"]); // b is gone: its queued copy of B is withdrawn
  offered.push(...rig.offer());
  rig.answerAll();
  rig.update({ strategy: { type: "broadcast" } }, ["a", "b"]);
  offered.push(...rig.offer());
  rig.answerAll();
  assert.match(ends(offered), /^(delivered ?){4}$/u);
  assert.deepEqual(rig.taken.toSorted().join(""), "AABCDD");
  assert.equal(rig.pool.heldBytes, 0);
});

test("what was broadcast only to targets that are gone is not lost", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })], { strategy: { type: "broadcast" } });
  const offered = [...rig.offer(), ...rig.offer()];
  rig.update({}, ["b"]);
  assert.equal(rig.underWay, "a:A b:B");
  rig.answerAll();
  assert.equal(ends(offered), "delivered delivered");
});

test("drain resolves when all is settled, without waiting for batches to fill, or when its time is up", async () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })], {
    batch: { maxItems: 100, maxBytes: 10_000, maxWaitMs: 5_000 },
  });
  rig.offer();
  const drained = rig.pool.drain(60_000);
  rig.turn();
  assert.equal(rig.underWay, "a:A");
  rig.answer();
  await drained;
  rig.offer();
  const late = rig.pool.drain(1_000);
  rig.turn();
  rig.pass(1_000);
  await late;
  assert.equal(rig.pool.heldBytes, 100);
});

test("closing settles what waits as failed, cancels what is under way and waits for it", async () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  const offered = [...rig.offer(2), ...rig.offer()];
  await rig.pool[Symbol.asyncDispose]();
  assert.equal(ends(offered), "shutting_down shutting_down shutting_down");
  assert.equal(rig.give().answer, "full");
  assert.equal(rig.pool.heldBytes, 0);
  assert.equal(rig.clock.pending, 0);
});

test("closing still takes the answer of a target that comes in time", async () => {
  const rig = new PoolRig();
  const offered = rig.offer();
  const closed = rig.pool[Symbol.asyncDispose]();
  rig.answer();
  await closed;
  assert.equal(ends(offered), "delivered");
});

test("the numbers of a pool and its targets can be read", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 })]);
  rig.offer(2, { items: 3 });
  rig.offer(1, { items: 5 });
  rig.pass(1_500);
  const { metrics } = rig;
  assert.equal(metrics.queueBytes.with("p").value, 300);
  assert.equal(metrics.queueItems.with("p").value, 5);
  assert.equal(metrics.queueAge.with("p").value, 1.5);
  assert.equal(metrics.batchSize.with("r").sum, 6);
  rig.answer();
  rig.answer(failing("reset"));
  const sends = ["accepted", "reset"].map((outcome) => metrics.exportSends.with("a", outcome).value);
  assert.deepEqual(sends, [1, 1]);
});

test("closing ends also what a target refuses in between", async () => {
  for (const outcome of [TOO_LARGE, BAD_DATA, failing("connect")]) {
    const rig = new PoolRig(["a", "b"]);
    const offered = rig.offer(2);
    const closed = rig.pool[Symbol.asyncDispose]();
    rig.answer(outcome);
    await closed;
    assert.equal(ends(offered), "shutting_down shutting_down");
  }
});
