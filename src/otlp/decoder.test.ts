import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { type Decoded, decodeHere, decodeInPool, type Decoding, TOO_LONG_CODE } from "./decoder.ts";

const TEXT = Buffer.from("one span after the other, ".repeat(200));

const BODIES: readonly Pick<Decoding, "encoding" | "body">[] = [
  { encoding: "gzip", body: gzipSync(TEXT) },
  { encoding: "deflate", body: deflateSync(TEXT) },
  { encoding: "deflate", body: deflateRawSync(TEXT) },
  { encoding: "zstd", body: zstdCompressSync(TEXT) },
];

const WAYS = {
  "in this turn": async (decoding: Decoding, aims?: boolean) => decodeHere(decoding, aims),
  "in the pool": (decoding: Decoding, aims?: boolean) =>
    new Promise<Decoded>((resolve) => {
      decodeInPool(decoding, resolve, aims);
    }),
};

for (const [where, decode] of Object.entries(WAYS)) {
  test(`${where} a decoder writes where it is told to`, async () => {
    for (const { encoding, body } of BODIES) {
      const place = Buffer.alloc(TEXT.length + 1);
      const decoded = await decode({ encoding, body, place, maxBytes: TEXT.length });
      assert.ok(decoded.ok && decoded.taken === body.length);
      assert.deepEqual([decoded.pieces.length, decoded.pieces[0]?.buffer === place.buffer], [1, true]);
      assert.ok(place.subarray(0, TEXT.length).equals(TEXT));
    }
  });

  test(`${where} a decoder that cannot be told where to write gives the same`, async () => {
    for (const { encoding, body } of BODIES) {
      const place = Buffer.alloc(TEXT.length + 1);
      const decoded = await decode({ encoding, body, place, maxBytes: TEXT.length }, false);
      assert.ok(decoded.ok && decoded.taken === body.length);
      assert.ok(Buffer.concat(decoded.pieces).equals(TEXT));
      assert.ok(place.every((byte) => byte === 0));
    }
  });

  test(`${where} what finds no room in its place is in pieces, up to the most there may be`, async () => {
    for (const { encoding, body } of BODIES) {
      const decoding = { encoding, body, place: Buffer.alloc(1_000) };
      const decoded = await decode({ ...decoding, maxBytes: TEXT.length });
      assert.ok(decoded.ok && Buffer.concat(decoded.pieces).equals(TEXT));
      for (const aims of [true, false]) {
        const tooLong = await decode({ ...decoding, maxBytes: TEXT.length - 1 }, aims);
        assert.ok(!tooLong.ok && tooLong.error instanceof Error && "code" in tooLong.error);
        assert.equal(tooLong.error.code, TOO_LONG_CODE);
      }
    }
  });
}

test("what was broken, cut off or too long leaves nothing for the next body", () => {
  for (const { encoding, body } of BODIES) {
    const place = Buffer.alloc(TEXT.length + 1);
    const broken = Buffer.from(body).fill(0xff, body.length >> 1);
    const bad: readonly Decoding[] = [
      { encoding, body: broken, place, maxBytes: TEXT.length },
      { encoding, body: body.subarray(0, -5), place, maxBytes: TEXT.length },
      { encoding, body, place, maxBytes: TEXT.length - 1 },
      { encoding, body, place: place.subarray(0, 9), maxBytes: 8 },
      { encoding, body: body.subarray(0, 0), place, maxBytes: TEXT.length },
    ];
    for (const [i, decoding] of bad.entries()) {
      assert.equal(decodeHere(decoding).ok, false, `${encoding}, ${i}`);
      const decoded = decodeHere({ encoding, body, place: place.fill(0), maxBytes: TEXT.length });
      assert.ok(decoded.ok && decoded.taken === body.length, `${encoding} after ${i}`);
      assert.ok(place.subarray(0, TEXT.length).equals(TEXT), `${encoding} after ${i}`);
    }
  }
});
