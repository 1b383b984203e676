import assert from "node:assert/strict";
import { test } from "node:test";
import { generateLogs } from "../../../test/support/generated.ts";
import { ACCEPTED, Rig } from "../../../test/scenario/ledger-rig.ts";
import type { SendOutcome } from "../send-outcome.ts";

const A = '{ id: a, endpoint: "http://127.0.0.1:1", limits: { max_in_flight: 1 } }';
const B = '{ id: b, endpoint: "http://127.0.0.1:2", limits: { max_in_flight: 1 } }';
const UNAVAILABLE: SendOutcome = { kind: "retry", reason: "unavailable", message: "no", unprocessed: false };

function config(pools: string, targets = `${A}, ${B}`, pool = "p"): string {
  return `targets: [${targets}]\npools: { ${pools} }\ndefault_pool: ${pool}`;
}

/** A request of three log records. */
function logs(seed = 1): Buffer {
  return Buffer.from(generateLogs({ items: 3, resources: 1, services: ["s"], seed, wallMs: 0 }));
}

function queueGauges(rig: Rig): string[] {
  return [...rig.env.metrics.queueBytes.series.keys()].toSorted();
}

test("a pool that is gone from the plan sends what it holds to the target it had, then both are closed", async () => {
  await using rig = new Rig(config("p: { targets: [a], ack: queued }"));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs(i));
  assert.deepEqual([rig.calls.length, rig.totals("logs").queued], [1, 6]);
  rig.apply(config("q: { targets: [b] }", B, "q"));
  assert.deepEqual([[...rig.pools.live.keys()], rig.pools.retiring.map(({ name }) => name)], [["q"], ["p"]]);
  assert.deepEqual([...rig.pools.targets.keys()], ["b", "a"], "the target stays open as long");
  rig.answer(0, ACCEPTED);
  assert.equal(rig.calls[1]?.target, "a");
  rig.answer(1, ACCEPTED);
  await new Promise(setImmediate); // the pool is closed in turns of its own
  assert.deepEqual([rig.pools.retiring.length, [...rig.pools.targets.keys()], queueGauges(rig)], [0, ["b"], ["q"]]);
  assert.deepEqual([rig.totals("logs").delivered, rig.totals("logs").queued, rig.balanced], [6, 0, true]);
});

test("a pool that comes back while it retires is the same one, with what it held", async () => {
  await using rig = new Rig(config("p: { targets: [a], ack: queued }"));
  rig.handle("logs", logs());
  const before = rig.pools.live.get("p");
  rig.apply(config("q: { targets: [b] }", undefined, "q"));
  rig.apply(config("p: { targets: [a, b], ack: queued }"));
  assert.equal(rig.pools.live.get("p"), before);
  assert.deepEqual([rig.pools.retiring.map(({ name }) => name).includes("p"), before?.heldItems], [false, 3]);
  rig.answer(0, ACCEPTED);
  await new Promise(setImmediate);
  assert.deepEqual([queueGauges(rig), rig.totals("logs").delivered], [["p"], 3], "its retirement was called off");
  rig.handle("logs", logs());
  assert.equal(rig.calls.length, 2, "and it goes on");
  rig.answer(1, ACCEPTED);
});

test("a queue outlives a change of its targets: what waits goes to a target that did not exist when it came", async () => {
  await using rig = new Rig(config("p: { targets: [a], ack: queued }", A));
  for (let i = 0; i < 2; i++) rig.handle("logs", logs(i));
  rig.apply(config("p: { targets: [b], ack: queued }", B));
  assert.deepEqual(
    rig.calls.map(({ target }) => target),
    ["a", "b"],
  );
  rig.answer(0, UNAVAILABLE);
  rig.advance(1_000);
  rig.answer(1, ACCEPTED);
  assert.equal(rig.calls[2]?.target, "b", "what failed at the old target is tried at the new one");
  rig.answer(2, ACCEPTED);
  assert.deepEqual([rig.totals("logs").delivered, rig.totals("logs").queued], [6, 0]);
});

test("a pool that cannot send what it holds is given up five minutes after it was taken out, and not before", async () => {
  await using rig = new Rig(config("p: { targets: [a], ack: queued, queue: { max_age: 1h } }", A));
  rig.handle("logs", logs());
  const none = "rules: [{ id: r, conditions: [{ service_name: nobody }], pool: q }]";
  rig.apply(`targets: [${B}]\npools: { q: { targets: [b] } }\n${none}`);
  rig.advance(299_000);
  await new Promise(setImmediate);
  assert.deepEqual([rig.pools.retiring.length, rig.totals("logs").queued], [1, 3]);
  rig.advance(1_000);
  rig.answer(0, UNAVAILABLE);
  for (let i = 0; i < 5; i++) await new Promise(setImmediate).then(() => rig.settle());
  assert.deepEqual([rig.pools.retiring.length, rig.totals("logs").lost, rig.totals("logs").queued], [0, 3, 0]);
  assert.deepEqual([...rig.pools.targets.keys()], ["b"]);
});

test("disposing settles what the pools hold, those that retire too, and opens nothing again", async () => {
  const rig = new Rig(config("p: { targets: [a], ack: queued }, q: { targets: [b] }"));
  rig.handle("logs", logs());
  rig.apply(config("q: { targets: [b] }", B, "q"));
  const { replies } = rig.handle("logs", logs(2));
  assert.equal(rig.calls.length, 2);
  await rig[Symbol.asyncDispose]();
  await new Promise(setImmediate);
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.reason),
    ["shutting_down"],
  );
  assert.deepEqual([rig.totals("logs").lost, rig.totals("logs").shed, rig.totals("logs").queued], [3, 3, 0]);
  assert.deepEqual([rig.pools.targets.size, rig.clock.pending, queueGauges(rig)], [0, 0, []]);
});

const BUFFER = "regions: { default: { buffer_size: 6 } }";

test("a pool takes nothing more while it holds as many items as its region's buffer_size, and says so", async () => {
  await using rig = new Rig(`${config("p: { targets: [a], ack: queued }")}\n${BUFFER}`);
  for (let i = 0; i < 2; i++) rig.handle("logs", logs(i));
  const { replies } = rig.handle("logs", logs(2));
  const pool = rig.pools.live.get("p")!;
  assert.deepEqual([pool.heldItems, pool.isFullOfItems, pool.hasRoom(1, "logs")], [6, true, false]);
  assert.match(JSON.stringify(replies), /as many items as buffer_size of this node's region allows/u);
  rig.answer(0, ACCEPTED);
  assert.deepEqual([pool.heldItems, pool.hasRoom(1, "logs")], [3, true], "what has ended makes room");
  rig.apply(config("p: { targets: [a], ack: queued }"));
  for (let i = 0; i < 3; i++) rig.handle("logs", logs(i));
  assert.equal(pool.heldItems, 12, "without the region's setting bytes alone bind");
  assert.equal(rig.balanced, true);
});

test("what the region's buffer has no room for goes to the fallback", async () => {
  const pools = "p: { targets: [a], ack: queued, fallback: q }, q: { targets: [b], ack: queued }";
  await using rig = new Rig(`${config(pools)}\n${BUFFER}`);
  for (let i = 0; i < 3; i++) rig.handle("logs", logs(i));
  const held = ["p", "q"].map((name) => rig.pools.live.get(name)?.heldItems);
  assert.deepEqual(held, [6, 3]);
});

test("a copy that its target does not take leaves room for the items of the others", async () => {
  const pools = "p: { targets: [a, b], strategy: broadcast, ack: queued }";
  await using rig = new Rig(`${config(pools)}\nregions: { default: { buffer_size: 12 } }`);
  const answer = (): void =>
    rig.answer(
      rig.calls.findLastIndex(({ target }) => target === "b"),
      ACCEPTED,
    );
  for (let i = 0; i < 4; i++) {
    rig.handle("logs", logs(i));
    answer();
  }
  const toB = rig.calls.filter(({ target }) => target === "b").length;
  assert.deepEqual([rig.pools.live.get("p")?.heldItems, toB], [6, 4], "a keeps half, b gets all");
});
