import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { frameMessage } from "./message-pieces.ts";
import { MessageReader } from "./message-reader.ts";

const SIZES = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 16_300, max: 16_500 }), fc.constant(70_000));
const PIECES = fc.array(
  SIZES.map((bytes) => new Uint8Array(bytes).fill(bytes % 251)),
  { maxLength: 12 },
);

test("a message in any pieces, cut into any chunks, is read as it was", () => {
  fc.assert(
    fc.property(PIECES, fc.boolean(), fc.array(fc.nat(), { maxLength: 8 }), (pieces, compressed, cuts) => {
      const message = Buffer.concat(pieces);
      const wire = Buffer.concat(frameMessage(pieces, message.length, compressed));
      const begun: number[][] = [];
      const held: number[] = [];
      const reader = new MessageReader({
        begins: (flag, bytes) => begun.push([flag, bytes]) > 0,
        holds: (bytes) => held.push(bytes) > 0,
      });
      let from = 0;
      for (const cut of cuts.map((at) => at % (wire.length + 1)).toSorted((a, b) => a - b)) {
        assert.equal(reader.add(wire.subarray(from, cut)), "read");
        from = cut;
      }
      assert.equal(reader.progress, from === 0 ? "none" : from === wire.length ? "whole" : "partial");
      assert.equal(reader.add(wire.subarray(from)), "read");
      assert.equal(reader.progress, "whole");
      assert.deepEqual(begun, [[compressed ? 1 : 0, message.length]]);
      assert.equal(held.at(-1) ?? 0, message.length);
      assert.ok(held.every((bytes, i) => bytes > (held[i - 1] ?? 0)));
      assert.equal(reader.compressed, compressed);
      assert.ok(message.equals(reader.take().bytes));
      assert.equal(reader.add(Uint8Array.of(1)), "excess");
    }),
  );
});

test("large pieces of a large message are passed on without a copy", () => {
  const large = new Uint8Array(70_000);
  const small = new Uint8Array(10);
  const buffers = frameMessage([small, large, small, small, large, small], 140_040, false);
  assert.deepEqual(
    buffers.map((buffer) => buffer.length),
    [15, 70_000, 20, 70_000, 10],
  );
  assert.ok(buffers[1] === large && buffers[3] === large);
});

test("a message of up to 64 KiB is one buffer", () => {
  const buffers = frameMessage([new Uint8Array(40_000), new Uint8Array(25_536)], 65_536, false);
  assert.deepEqual(
    buffers.map((buffer) => buffer.length),
    [65_541],
  );
});

test("a refused message is not allocated, nor is a byte of it read", () => {
  const reader = new MessageReader({ begins: () => false, holds: () => true });
  assert.equal(reader.add(Buffer.from([0, 255, 255, 255, 255, 1, 2, 3])), "refused");
});

test("a message that is refused half-way is read no further", () => {
  const reader = new MessageReader({ begins: () => true, holds: (bytes) => bytes <= 10 });
  assert.equal(reader.add(Buffer.from([0, 0, 0, 0, 20, ...new Uint8Array(10)])), "read");
  assert.equal(reader.add(new Uint8Array(1)), "refused");
});

test("a message of several MiB is put together from small chunks, and one that is only announced takes no memory", () => {
  const guard = { begins: () => true, holds: () => true };
  const message = Buffer.alloc(5_000_000, "0123456789");
  const reader = new MessageReader(guard);
  const wire = Buffer.concat([Buffer.from([0, 0, 76, 75, 64]), message]);
  for (let at = 0; at < wire.length; at += 16_384) assert.equal(reader.add(wire.subarray(at, at + 16_384)), "read");
  assert.equal(reader.progress, "whole");
  assert.ok(message.equals(reader.take().bytes));
  const before = process.memoryUsage().arrayBuffers;
  const announced = Array.from({ length: 100 }, () => new MessageReader(guard));
  for (const one of announced) one.add(Buffer.from([0, 4, 0, 0, 0]));
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_048_576, "64 MiB each were announced");
  for (const one of announced) one.add(Uint8Array.of(1));
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_097_152, "a byte of each has come");
});

test("what comes slowly keeps no more alive than itself: it is no part of node's pool", () => {
  const reader = new MessageReader({ begins: () => true, holds: () => true });
  reader.add(Buffer.from([0, 0, 0, 11, 184, 1]));
  reader.add(new Uint8Array(2_999));
  assert.equal(reader.progress, "whole");
  assert.equal(reader.take().bytes.buffer.byteLength, 3_000);
});
