import assert from "node:assert/strict";
import { test } from "node:test";
import { spareChunks } from "./spare-chunks.ts";
import { FrameWriter } from "./writer.ts";

const PING = new Uint8Array(8).fill(7);

test("spare chunks: writers without output hold none, and a thousand in turn write into one", () => {
  const before = spareChunks.count;
  const writers = Array.from({ length: 1_000 }, () => new FrameWriter());
  const buffers = new Set<ArrayBufferLike>();
  for (const writer of writers) {
    writer.ping(PING, 0, false);
    for (const piece of writer.take(1_000_000)) buffers.add(piece.buffer);
  }
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(bytes < 50_000, `17,000 bytes of output hold ${bytes}`);
  assert.ok(spareChunks.count <= before + 1);
});

test("spare chunks: a thousand that write at the same time have little each, and what is kept of it is bounded", () => {
  const writers = Array.from({ length: 1_000 }, () => new FrameWriter());
  for (const writer of writers) writer.ping(PING, 0, false);
  const buffers = new Set(writers.flatMap((writer) => writer.take(1_000_000).map(({ buffer }) => buffer)));
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
  assert.ok(bytes < 2_500_000, `17,000 bytes of output hold ${bytes}`);
  assert.ok(spareChunks.count <= 256);
});

test("spare chunks: what was handed out stays as it is, whoever writes into the rest of its chunk", () => {
  const writers = Array.from({ length: 20 }, () => new FrameWriter());
  const taken: { readonly pieces: readonly Uint8Array[]; readonly copy: Buffer }[] = [];
  for (let round = 0; round < 200; round++) {
    // Some write at the same time, and take at different times.
    for (const [i, writer] of writers.entries()) {
      if ((round + i) % 3 !== 0) writer.windowUpdate(2 * i + 1, round + 1);
      if ((round + i) % 7 === 0) writer.headerBlock(i, new Uint8Array(100 * i).fill(round), false, 16_384);
      if ((round * i) % 2 !== 0) continue;
      const pieces = [...writer.take((round * 13) % 500)];
      taken.push({ pieces, copy: Buffer.concat(pieces) });
    }
  }
  for (const { pieces, copy } of taken) assert.deepEqual(Buffer.concat(pieces), copy);
});
