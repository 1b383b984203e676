import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTraces } from "../../../test/support/generated.ts";
import { ACCEPTED, type Call, Rig } from "../../../test/scenario/ledger-rig.ts";
import { CHUNK_BYTES } from "../../core/arena/arena.ts";
import { copyOwned, joinOwned } from "../../core/bytes.ts";
import type { SendOutcome } from "../send-outcome.ts";

/** What goes to the pool `waits` is acknowledged at once. */
const CONFIG = `
targets:
  - { id: a, endpoint: "http://127.0.0.1:1" }
  - { id: b, endpoint: "http://127.0.0.1:2" }
  - { id: c, endpoint: "http://127.0.0.1:3" }
pools:
  waits: { targets: [a], ack: queued, when_down: hold }
  all: { targets: [a, c], strategy: broadcast, ack: queued, when_down: hold }
  goes: { targets: [b], when_down: hold }
rules:
  - { id: waits, conditions: [{ service_name: waits }], pool: waits }
  - { id: all, conditions: [{ service_name: all }], pool: all }
default_pool: goes
`;

const PAUSED = {
  kind: "retry",
  reason: "throttled",
  message: "later",
  afterMs: 8_000,
  unprocessed: true,
} as const satisfies SendOutcome;

function spans(service: string, items: number): Buffer {
  return Buffer.from(generateTraces({ items, resources: 1, services: [service], seed: 1, wallMs: 1_750_000_000_000 }));
}

function openRig(): Rig {
  const rig = new Rig(CONFIG, { arenaBytes: 64 * 1_048_576 });
  rig.arena.mayStayBytes = rig.arena.capacityBytes / 4;
  return rig;
}

/** From here on what goes to a waits: one request that nobody gets back is paused. */
function pause(rig: Rig, service = "waits"): void {
  rig.handle("traces", spans(service, 1));
  answerAll(rig, PAUSED);
}

/** Of all calls that were not answered. */
function answerAll(rig: Rig, outcome: SendOutcome, target?: string): void {
  for (const call of rig.calls) {
    if (target === undefined || call.target === target) call.answer(outcome);
    rig.settle(); // what comes then is answered, too
  }
}

function sent({ batch }: Call): Buffer {
  return copyOwned(joinOwned(batch.pieces));
}

test("what waits longer than a second in a chunk that is mostly dead is copied out, whatever it was acknowledged by", async () => {
  await using rig = openRig();
  pause(rig);
  const waiting = spans("waits", 3);
  rig.handle("traces", waiting);
  for (let i = 0; i < 10; i++) rig.handle("traces", spans("goes", 40));
  answerAll(rig, ACCEPTED, "b");
  assert.equal(rig.arena.usedBytes, CHUNK_BYTES, "for what is a hundredth of it");
  rig.advance(999);
  assert.equal(rig.arena.usedBytes, CHUNK_BYTES);
  rig.advance(1_001);
  assert.deepEqual([rig.arena.usedBytes, rig.arena.stayingBytes], [0, 0]);
  rig.advance(7_000);
  answerAll(rig, ACCEPTED);
  assert.ok(Buffer.concat(rig.calls.map(sent)).includes(waiting), "it is sent as it came");
  assert.deepEqual([rig.totals("traces").queued, rig.balanced], [0, true]);
});

test("what somebody waits for is copied out, too", async () => {
  await using rig = openRig();
  const { replies } = rig.handle("traces", spans("goes", 1));
  answerAll(rig, PAUSED);
  rig.advance(2_000);
  assert.deepEqual([rig.arena.usedBytes, replies.length], [0, 0]);
  rig.advance(7_000);
  answerAll(rig, ACCEPTED);
  assert.deepEqual(
    replies.map(({ ok }) => ok),
    [true],
  );
});

test("what is under way, and what is in a chunk of which a quarter is in use, stays where it is", async () => {
  await using rig = openRig();
  rig.handle("traces", spans("goes", 1));
  rig.advance(3_000);
  assert.equal(rig.arena.usedBytes, CHUNK_BYTES, "b has it");
  answerAll(rig, ACCEPTED);
  assert.equal(rig.arena.usedBytes, 0);

  pause(rig);
  while (rig.arena.liveBytes < CHUNK_BYTES / 2) rig.handle("traces", spans("waits", 5));
  rig.advance(3_000);
  assert.deepEqual([rig.arena.usedBytes, rig.arena.stayingBytes], [CHUNK_BYTES, CHUNK_BYTES]);
});

test("copies of one parcel are copied out once", async () => {
  await using rig = openRig();
  pause(rig, "all");
  const waiting = spans("all", 2);
  rig.handle("traces", waiting);
  answerAll(rig, PAUSED);
  assert.equal(rig.arena.usedBytes, CHUNK_BYTES);
  rig.advance(2_000);
  assert.equal(rig.arena.usedBytes, 0);
  const before = rig.calls.length;
  rig.advance(7_000);
  const batches = rig.calls.slice(before).map(({ target, batch }) => ({ target, piece: batch.pieces.at(-1)! }));
  assert.deepEqual(batches.map(({ target }) => target).toSorted(), ["a", "c"]);
  assert.ok(batches.every(({ piece }) => waiting.equals(piece)));
  assert.equal(batches[0]!.piece.buffer, batches[1]!.piece.buffer, "both are the same memory");
  answerAll(rig, ACCEPTED);
  assert.deepEqual([rig.totals("traces").queued, rig.balanced], [0, true]);
});

test("one step copies a bounded part, and the next goes on", async () => {
  await using rig = openRig();
  pause(rig);
  const [waits, goes] = [spans("waits", 15), spans("goes", 150)];
  while (rig.arena.stayingBytes < 200 * CHUNK_BYTES) {
    rig.handle("traces", waits);
    rig.handle("traces", goes);
  }
  answerAll(rig, ACCEPTED, "b");
  const before = rig.arena.liveBytes;
  rig.advance(1_000);
  const moved = before - rig.arena.liveBytes;
  assert.ok(moved >= 1_000_000 && moved < 1_100_000, `${moved} of ${before} bytes were moved in the first step`);
  rig.advance(100);
  assert.equal(rig.arena.liveBytes, 0);
});
