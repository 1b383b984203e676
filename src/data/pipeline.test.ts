import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../../test/support/generated.ts";
import { ACCEPTED, Rig } from "../../test/scenario/ledger-rig.ts";
import { heldBytes, isHeldExactly, lengthOf } from "../core/bytes.ts";

const TARGETS = `
targets:
  - { id: a, endpoint: "http://127.0.0.1:1" }
  - { id: b, endpoint: "http://127.0.0.1:2" }
  - { id: c, endpoint: "http://127.0.0.1:3" }
`;

function spans(services: readonly string[], items = 4): Buffer {
  return Buffer.from(
    generateTraces({ items, resources: services.length, services, seed: 1, wallMs: 1_750_000_000_000 }),
  );
}

test("two rules into one pool whose queue has room for one of their parcels: the request is refused whole", async () => {
  const request = spans(["a", "b"]);
  await using rig = new Rig(`${TARGETS}
pools: { p: { targets: [a], queue: { max_bytes: "${Math.floor(request.length * 0.75)}B" } } }
rules:
  - { id: one, conditions: [{ service_name: a }], pool: p }
  - { id: two, conditions: [{ service_name: b }], pool: p }
`);
  const { replies } = rig.handle("traces", request);
  assert.equal(rig.calls.length, 0);
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.reason),
    ["too_large"],
  );
  assert.deepEqual([rig.totals("traces").shed, rig.totals("traces").queued, rig.balanced], [4, 0, true]);
});

test("unknown fields beside the resources count as bytes of the parcel when the queue is asked for room", async () => {
  const request = Buffer.concat([spans(["a", "b"]), Buffer.from([0x7a, 0x7f]), Buffer.alloc(127)]);
  const half = spans(["a", "b"]).length / 2;
  await using rig = new Rig(`${TARGETS}
pools: { p: { targets: [a], queue: { max_bytes: "${Math.floor(half + 90)}B" } }, q: { targets: [b] } }
rules: [{ id: one, conditions: [{ service_name: a }], pool: p }]
default_pool: q
`);
  const { replies } = rig.handle("traces", request);
  assert.deepEqual(
    replies.map((reply) => reply.ok || reply.refusal.reason),
    ["too_large"],
  );
  assert.deepEqual([rig.totals("traces").shed, rig.totals("traces").queued, rig.balanced], [4, 0, true]);
});

test("two rules into one pool that broadcasts: what finds no room is refused, nothing is forgotten", async () => {
  const request = spans(["a", "b"]);
  await using rig = new Rig(`${TARGETS}
pools: { p: { targets: [a, b], strategy: broadcast, queue: { max_bytes: "${Math.floor(request.length * 1.25)}B" } } }
rules:
  - { id: one, conditions: [{ service_name: a }], pool: p }
  - { id: two, conditions: [{ service_name: b }], pool: p }
`);
  const { replies } = rig.handle("traces", request);
  for (let i = 0; i < rig.calls.length; i++) rig.answer(i, ACCEPTED);
  assert.equal(replies.length, 1);
  assert.deepEqual([rig.totals("traces").queued, rig.balanced], [0, true]);
});

test("what no target will see is checked here: a broken request that is empty, dropped or has only empty metrics", async () => {
  await using rig = new Rig(`${TARGETS}
rules: [{ id: one, conditions: [{ service_name: wanted }], targets: [a] }]
unmatched: drop
`);
  const good = { emptySpans: "0a021a00", droppedSpans: "0a0412021200", emptyMetrics: "0a0412021200" };
  const bad = { emptySpans: "0a031a01ff", droppedSpans: "0a06120412022a01", emptyMetrics: "0a07120512036201ff" };
  for (const [name, hex] of [...Object.entries(good), ...Object.entries(bad)]) {
    const bytes = Buffer.from(hex, "hex");
    const [reply] = rig.handle(name === "emptyMetrics" ? "metrics" : "traces", bytes).replies;
    const wanted = Object.values(good).includes(hex) ? true : "bad_data";
    assert.equal(reply?.ok === true || reply?.refusal.reason, wanted, `${name}: ${hex}`);
  }
  assert.equal(rig.calls.length, 0);
  assert.equal(rig.balanced, true);
});

test("copies that are rejected too do not make more things rejected than the request has", async () => {
  await using rig = new Rig(`${TARGETS}
pools: { p: { targets: [a] }, q: { targets: [b] } }
rules: [{ id: copy, mode: copy, conditions: [{ service_name: "*" }], pool: q }]
default_pool: p
`);
  const { replies } = rig.handle("traces", spans(["a"]));
  for (let i = 0; i < 2; i++) rig.answer(i, { kind: "accepted", rejected: 3, message: "three" });
  assert.deepEqual(replies, [{ ok: true, rejected: 4, message: "three" }]);
  const { received, copied, rejected, delivered } = rig.totals("traces");
  assert.deepEqual([received, copied, rejected, delivered, rig.balanced], [4, 4, 6, 2, true]);
});

test("what is acknowledged before a target has it keeps alone itself alive, neither the rest of its request nor what lay beside that", async () => {
  const request = spans(["a", "b"], 200);
  await using rig = new Rig(`${TARGETS}
pools: { early: { targets: [a], ack: queued }, waits: { targets: [b] } }
rules: [{ id: early, conditions: [{ service_name: a }], pool: early }]
default_pool: waits
`);
  rig.handle("traces", request);
  const pieces = new Map(rig.calls.map(({ target, batch }) => [target, batch.pieces]));
  assert.deepEqual([...pieces.keys()].toSorted(), ["a", "b"]);
  const [early, waits] = [pieces.get("a")!, pieces.get("b")!];
  assert.ok(isHeldExactly(early, lengthOf(early)), `${lengthOf(early)} bytes hold ${heldBytes(early)}`);
  // Its sender waits, and the request with it: no copy.
  const any = rig.arena.alloc(1, true)!;
  const arena = any.bytes.buffer;
  any.release();
  assert.ok(waits.some(({ buffer }) => buffer === arena));
  assert.ok(early.every(({ buffer }) => buffer !== arena));

  rig.handle("traces", spans(["a"]));
  const whole = rig.calls.findLast(({ target }) => target === "a")!.batch.pieces;
  assert.ok(isHeldExactly(whole, lengthOf(whole)), `${lengthOf(whole)} bytes hold ${heldBytes(whole)}`);
});

test("while much of the arena is free, what is acknowledged stays where it came, unless it is a small part of its request", async () => {
  await using rig = new Rig(`${TARGETS}
pools: { early: { targets: [a], ack: queued }, waits: { targets: [b] } }
rules: [{ id: early, conditions: [{ service_name: a }], pool: early }]
default_pool: waits
`);
  const any = rig.arena.alloc(1, true)!;
  const arena = any.bytes.buffer;
  any.release();
  rig.arena.mayStayBytes = rig.arena.capacityBytes;
  const isInArena = (): boolean =>
    rig.calls.findLast(({ target }) => target === "a")!.batch.pieces.every(({ buffer }) => buffer === arena);

  rig.handle("traces", spans(["a"], 200));
  assert.equal(isInArena(), true);
  assert.ok(rig.arena.usedBytes > 0, "though its sender has its answer");
  rig.answer(0, ACCEPTED);
  assert.equal(rig.arena.usedBytes, 0);

  rig.handle("traces", spans(["a", "b", "b", "b", "b", "b"], 200));
  assert.equal(isInArena(), false);
  for (const call of rig.calls) call.answer(ACCEPTED);
  rig.settle();

  rig.arena.mayStayBytes = 0;
  rig.handle("traces", spans(["a"], 200));
  assert.equal(isInArena(), false);
  assert.equal(rig.arena.usedBytes, 0);
});
