import assert from "node:assert/strict";
import { test } from "node:test";
import { JoinMemory } from "./join-memory.ts";

/** Pieces of so many bytes together, each of them filled with a number. */
function pieces(bytes: number, ...fills: readonly number[]): Uint8Array[] {
  return fills.map((fill, i) => {
    const length = i === 0 ? bytes - 100 * (fills.length - 1) : 100;
    return Buffer.alloc(length, fill);
  });
}

test("joined bodies are their pieces in order, and memory that was given back is used for the next one", () => {
  const memory = new JoinMemory();
  const first = memory.join(pieces(20_000, 1, 2, 3), 20_000);
  assert.deepEqual(Buffer.from(first.bytes), Buffer.concat(pieces(20_000, 1, 2, 3)));
  const beside = memory.join(pieces(30_000, 4), 30_000);
  assert.notEqual(beside.bytes.buffer, first.bytes.buffer);
  first.giveBack();
  assert.equal(memory.freeBytes, 32_768);
  const next = memory.join(pieces(32_768, 5), 32_768);
  assert.deepEqual([next.bytes.buffer === first.bytes.buffer, memory.freeBytes], [true, 0]);
  assert.deepEqual(Buffer.from(beside.bytes), Buffer.alloc(30_000, 4));
  assert.notEqual(memory.join(pieces(40_000, 6), 40_000).bytes.buffer, first.bytes.buffer);
});

test("short bodies, long ones, and what is more than may be kept have memory of their own", () => {
  const memory = new JoinMemory(40_000);
  for (const length of [1_000, 4_194_305]) memory.join(pieces(length, 1), length).giveBack();
  assert.equal(memory.freeBytes, 0);
  const [one, other] = [20_000, 20_000].map((length) => memory.join(pieces(length, 1), length));
  one!.giveBack();
  other!.giveBack();
  assert.equal(memory.freeBytes, 32_768);
});
