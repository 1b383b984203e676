import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, failing, PoolRig, targetPlan, ends, type Offered } from "./pool-rig.ts";

test("five failures in a row eject a target; its backlog goes to the others, and one small probe brings it back", () => {
  const rig = new PoolRig(["a", "b"], { batch: { maxItems: 1, maxBytes: 1_000, maxWaitMs: 0 } });
  while (rig.targets.get("a")!.health().state === "ready") {
    rig.offer();
    for (const call of rig.calls) call.answer(call.target === "a" ? failing("connect") : ACCEPTED);
    rig.turn();
  }
  rig.answerAll();
  rig.offer(4);
  assert.match(rig.underWay, /^b:\w b:\w b:\w b:\w$/u);
  rig.answerAll();
  rig.pass(30_000);
  rig.offer(4);
  assert.equal(rig.calls.filter(({ target }) => target === "a").length, 1);
  rig.answerAll();
  rig.pass(30_000); // its slow start
  rig.offer(4);
  assert.equal(rig.calls.filter(({ target }) => target === "a").length, 2);
});

test("a probe is one parcel", () => {
  const rig = new PoolRig();
  rig.offer();
  for (let i = 0; i < 5; i++) {
    rig.pass(2_000);
    rig.answer(failing("timeout"));
  }
  assert.equal(rig.targets.get("a")!.health().state, "ejected");
  rig.pass(30_000);
  assert.equal(rig.targets.get("a")!.health().state, "probing");
  rig.offer(3);
  assert.deepEqual(
    rig.calls.map(({ ids }) => ids.length),
    [1, 1], // what the pool, having nothing else, tried before, and the probe
  );
});

test("a pool whose only target was ejected goes on trying, at its own pace, and recovers", () => {
  const rig = new PoolRig();
  const offered = rig.offer(1, { deadlineMs: 600_000 });
  let tries = 0;
  for (let ms = 0; ms < 10_000; ms += 10) {
    rig.pass(10);
    while (rig.calls.length > 0) {
      tries++;
      rig.answer(failing("connect"));
    }
  }
  assert.equal(ends(offered), "-");
  assert.ok(tries >= 5 && tries <= 50, `${tries} tries in 10 s`);
  for (let ms = 0; ms < 5_000; ms += 10) {
    rig.pass(10);
    rig.answerAll();
  }
  assert.equal(ends(offered), "delivered");
  assert.equal(rig.targets.get("a")!.health().state, "ready");
});

test("a pool is usable while one target is, and lets one request in when a probe is due", () => {
  const rig = new PoolRig(["a"]);
  assert.equal(rig.pool.usable("traces"), true);
  while (rig.targets.get("a")!.health().state === "ready") {
    rig.offer(1, { deadlineMs: rig.clock.nowMs() + 10 });
    rig.answer(failing("reset"));
  }
  assert.equal(rig.pool.usable("traces"), false);
  rig.pass(30_000);
  assert.equal(rig.pool.usable("traces"), true);
  rig.offer();
  assert.equal(rig.pool.usable("traces"), false);
  rig.answer();
  assert.equal(rig.pool.usable("traces"), true);
  assert.equal(new PoolRig([]).pool.usable("traces"), false);
});

test("broadcast: every target gets its own copy, and the parcel is settled when all have ended", () => {
  const rig = new PoolRig(["a", "b"], { strategy: { type: "broadcast" } });
  const offered = rig.offer(2);
  assert.equal(rig.underWay, "a:AB b:AB");
  assert.equal(rig.pool.heldBytes, 400);
  rig.answer(ACCEPTED, "b");
  assert.equal(ends(offered), "- -");
  rig.answer({ kind: "rejected", code: "INTERNAL", message: "no", badData: false }, "a");
  assert.equal(ends(offered), "rejected rejected");
  assert.equal(rig.pool.heldBytes, 0);
});

test("broadcast: a target that hangs does not hold up the others, and its full lane fails only its own copies", () => {
  const rig = new PoolRig([targetPlan("a", { maxInFlight: 1 }), "b"], {
    strategy: { type: "broadcast" },
    queue: { maxBytes: 1_000, maxAgeMs: 60_000 },
  });
  const offered: Offered[] = [];
  for (let i = 0; i < 20; i++) {
    offered.push(...rig.offer());
    rig.answer(ACCEPTED, "b");
    assert.ok(rig.pool.heldBytes <= 1_000);
  }
  assert.equal(rig.taken.length, 20);
  assert.equal(ends(offered.slice(0, 5)), "- - - - -");
  assert.match(ends(offered.slice(5)), /^(queue_full ?){15}$/u);
});

test("broadcast: a target that is ejected gets no copies", () => {
  const rig = new PoolRig(["a", "b"], { strategy: { type: "broadcast" } });
  while (rig.targets.get("a")!.health().state === "ready") {
    rig.offer(1, { deadlineMs: rig.clock.nowMs() + 1 });
    while (rig.calls.length > 0) rig.answer(rig.calls[0]!.target === "a" ? failing("reset") : ACCEPTED);
  }
  const offered = rig.offer();
  assert.match(rig.underWay, /^b:\w$/u);
  rig.answer();
  assert.equal(ends(offered), "delivered");
});
