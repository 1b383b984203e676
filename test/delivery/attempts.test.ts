import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, ends, failing, PoolRig, targetPlan } from "./pool-rig.ts";

const TARGETS = ["a", "b"].map((id) => targetPlan(id, { timeoutMs: 5_000 }));

test("a first attempt that hangs leaves room for a second one at the target beside it, which is tried at once", () => {
  const rig = new PoolRig(TARGETS);
  const offered = rig.offer(1, { deadlineMs: 4_500 });
  assert.deepEqual([rig.underWay, rig.calls[0]!.timeoutMs], ["a:A", 2_250]);
  rig.pass(2_250);
  assert.equal(rig.underWay, "a:A", "the second does not begin before the first has ended");
  rig.answer(failing("timeout"));
  assert.equal(rig.underWay, "b:A");
  assert.equal(rig.calls[0]!.timeoutMs, 2_251, "the last attempt has all that is left");
  rig.answer(ACCEPTED);
  assert.equal(ends(offered), "delivered");
  assert.equal(rig.targets.get("a")!.errorRate, 0);
});

test("hanging first attempts that were cut short eject nobody, however many there are", () => {
  const rig = new PoolRig(TARGETS);
  for (let i = 0; i < 20; i++) {
    rig.offer(1, { deadlineMs: rig.clock.nowMs() + 4_500 });
    const first = rig.calls[0]!.target;
    if (first === "a") {
      rig.pass(2_250);
      rig.answer(failing("timeout"));
    }
    assert.equal(rig.calls[0]!.target, "b");
    rig.answer(ACCEPTED);
  }
  assert.equal(rig.targets.get("a")!.health().state, "ready");
});

test("an attempt at a slow target lasts three times as long as its answers take", () => {
  const rig = new PoolRig(TARGETS);
  for (const _ of TARGETS) {
    rig.offer(1);
    rig.pass(1_000);
    rig.answer(ACCEPTED);
  }
  rig.offer(1, { deadlineMs: rig.clock.nowMs() + 4_500 });
  assert.equal(rig.calls[0]!.timeoutMs, 3_000);
});

const WHOLE = [
  { name: "there is no other target", ids: TARGETS.slice(0, 1), plan: {}, deadlineMs: 4_500, want: 4_501 },
  { name: "nobody waits", ids: TARGETS, plan: {}, deadlineMs: Infinity, want: 5_000 },
  {
    name: "nothing may be tried again",
    ids: TARGETS,
    plan: { retry: { initialMs: 100, maxMs: 5_000, maxRetries: 0, budget: 0.2 } },
    deadlineMs: 4_500,
    want: 4_501,
  },
  { name: "there is no time for two", ids: TARGETS, plan: {}, deadlineMs: 1_000, want: 1_001 },
];
for (const { name, ids, plan, deadlineMs, want } of WHOLE) {
  test(`an attempt may take all the time where ${name}`, () => {
    const rig = new PoolRig(ids, plan);
    rig.offer(1, { deadlineMs });
    assert.equal(rig.calls[0]!.timeoutMs, want);
  });
}

test("a target that has to prove itself is checked by an attempt that was cut, too", () => {
  const rig = new PoolRig(TARGETS);
  rig.targets.get("b")!.operate({ state: "drain", untilMs: undefined, note: "" });
  for (let i = 0; i < 5; i++) {
    rig.offer(1);
    rig.answer(failing("reset"), "a");
  }
  rig.targets.get("b")!.operate({ state: "ready", untilMs: undefined, note: "" });
  while (rig.pool.heldItems > 0) {
    rig.pass(100);
    rig.answerAll(ACCEPTED);
  }
  rig.pass(31_000);
  assert.equal(rig.targets.get("a")!.health().state, "probing");
  rig.offer(1, { deadlineMs: rig.clock.nowMs() + 4_500 });
  assert.deepEqual([rig.calls[0]!.target, rig.calls[0]!.timeoutMs], ["a", 2_250]);
  rig.pass(2_250);
  rig.answer(failing("timeout"));
  assert.equal(rig.targets.get("a")!.health().state, "ejected");
});
