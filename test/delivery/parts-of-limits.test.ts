import assert from "node:assert/strict";
import { test } from "node:test";
import { HOPS_HEADER } from "../../src/plan/hops.ts";
import { NO_HEADERS, senderHeaders } from "../../src/plan/sender-headers.ts";
import { ACCEPTED, ends, failing, PoolRig, targetPlan } from "./pool-rig.ts";

const ONE_EACH = { batch: { maxItems: 1, maxBytes: 10_000, maxWaitMs: 0 } };

test("part of max_in_flight: without any nothing leaves, and what it lacks is told; with some it leaves at once", () => {
  const rig = new PoolRig(["a"], ONE_EACH, { "calls a": 0 });
  rig.offer(3);
  assert.equal(rig.underWay, "");
  assert.equal(rig.uses("calls a"), "0 4", "as wide as a new window");
  rig.lend({ "calls a": 2 });
  assert.equal(rig.underWay, "a:A a:B");
  assert.equal(rig.targets.get("a")!.windowSize(), 2);
  rig.lend({ "calls a": 3 });
  assert.equal(rig.underWay, "a:A a:B a:C");
  rig.answerAll();
});

test("part of max_in_flight: a smaller one ends no call, and nothing leaves until so many have ended", () => {
  const rig = new PoolRig(["a"], ONE_EACH);
  rig.offer(5);
  assert.equal(rig.underWay, "a:A a:B a:C a:D");
  rig.lend({ "calls a": 1 });
  for (const left of ["a:B a:C a:D", "a:C a:D", "a:D"]) {
    rig.answer();
    assert.equal(rig.underWay, left);
  }
  rig.answer();
  assert.equal(rig.underWay, "a:E");
  rig.answerAll();
});

test("part of max_in_flight: more is asked for only while the window would have more and something waits", () => {
  const rig = new PoolRig(["a"], ONE_EACH, { "calls a": 4 });
  rig.offer(4);
  assert.equal(rig.uses("calls a"), "4 0");
  rig.offer(40);
  assert.equal(rig.uses("calls a"), "4 0", "its window is as wide");
  for (let i = 0; i < 8; i++) rig.answer();
  assert.equal(rig.uses("calls a"), "4 1");
  rig.lend({ "calls a": 8 });
  assert.equal(rig.uses("calls a"), "5 0");
  rig.answerAll();
});

test("part of max_in_flight: no probe goes beyond it", () => {
  const rig = new PoolRig(["a"], ONE_EACH);
  const all = rig.offer(1);
  for (let i = 0; i < 5; i++) {
    if (i === 4) rig.lend({ "calls a": 0 });
    rig.answer(failing("timeout"));
    if (i < 4) rig.pass(5_000);
  }
  assert.equal(rig.targets.get("a")!.health().state, "ejected");
  rig.pass(60_000);
  assert.equal(rig.underWay, "");
  assert.notEqual(rig.uses("calls a"), "0 0");
  rig.lend({ "calls a": 1 });
  rig.pass(60_000);
  assert.equal(rig.underWay, "a:A");
  rig.answerAll(ACCEPTED);
  assert.equal(ends(all), "delivered");
});

test("part of max_in_flight: it is that of all addresses of a target together", () => {
  const plan = targetPlan("a", { resolve: "all", maxInFlight: 8 });
  const rig = new PoolRig([plan], ONE_EACH, { "calls a": 3 });
  rig.resolver.find(["10.0.0.1", "10.0.0.2"]);
  rig.offer(6);
  assert.equal(rig.calls.length, 3);
  assert.equal(rig.uses("calls a"), "3 3");
  rig.lend({ "calls a": 5 });
  assert.equal(rig.calls.length, 5);
  rig.answerAll();
});

test("part of a queue: it is full when its part is, tells what found no room, and takes more when it has more", () => {
  const rig = new PoolRig(["a"], { queue: { maxBytes: 1_000, maxAgeMs: 600_000 } }, { "queue p": 300, "calls a": 0 });
  assert.deepEqual(
    [1, 2, 3, 4].map(() => rig.give().answer),
    ["accepted", "accepted", "accepted", "full"],
  );
  assert.equal(rig.uses("queue p"), "300 100");
  assert.equal(rig.uses("queue p"), "300 0", "once");
  rig.lend({ "queue p": 1_000 });
  assert.equal(rig.give({ bytes: 700 }).answer, "accepted");
  rig.lend({ "queue p": 200, "calls a": 8 });
  assert.equal(rig.give().answer, "full");
  rig.answerAll();
});

test("part of a queue: what is kept for other nodes of the fleet is told as no room, and does not keep out what is long", () => {
  const members = { region: "eu", tags: {}, listener: "otlp_grpc", isSelf: false, node: "n" } as const;
  const queue = { maxBytes: 16_000, maxAgeMs: 600_000 };
  const rig = new PoolRig([targetPlan("a", { members })], { queue }, { "queue p": 8_000, "calls a": 0 });
  const offer = (hops: number, bytes = 1_000): string => {
    const headers = hops === 0 ? NO_HEADERS : senderHeaders([[HOPS_HEADER, `${hops}`]]);
    return rig.give({ headers, bytes: bytes - headers.bytes, signal: "logs" }).answer;
  };
  for (let i = 0; i < 7; i++) assert.equal(offer(0), "accepted");
  assert.deepEqual([offer(0), rig.uses("queue p")], ["full", "7000 1000"], "an eighth is kept");
  assert.deepEqual([offer(1), rig.uses("queue p")], ["full", "7000 1000"], "and half of that for the next link");
  assert.deepEqual(
    [offer(0, 500), offer(1, 501), offer(1, 500)],
    ["full", "full", "accepted"],
    "and no more than half",
  );
  rig.lend({ "queue p": 16_000, "calls a": 8 });
  assert.equal(offer(1), "accepted");
  rig.answerAll();
  assert.equal(rig.give({ bytes: 16_000 }).answer, "accepted", "while it holds nothing");
  rig.turn();
  rig.answerAll();
});

test("part of a queue: while it holds nothing it takes what is longer than itself, but not longer than the limit", () => {
  const rig = new PoolRig(["a"], { queue: { maxBytes: 1_000, maxAgeMs: 600_000 } }, { "queue p": 300 });
  assert.equal(rig.give({ bytes: 1_001 }).answer, "full");
  assert.equal(rig.give({ bytes: 1_000 }).answer, "accepted");
  assert.equal(rig.give({ bytes: 1 }).answer, "full");
  rig.turn();
  rig.answerAll();
});
