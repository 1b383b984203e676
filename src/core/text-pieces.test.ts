import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { sha256BytesOf, sha256Of } from "./sha256.ts";
import { piecesOf } from "./text-pieces.ts";

test("pieces of a text are all of it, none is longer than it may be, and no character is cut in two", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 2, max: 9 }), (text, length) => {
      const pieces = piecesOf(text, length);
      assert.equal(pieces.join(""), text);
      assert.ok(pieces.every((piece) => piece.length <= length && piece !== "" && piece.isWellFormed()));
    }),
  );
});

test("pieces of a text with halves of characters, which no text that was read has, are all of it, too", () => {
  const texts = ["\ud800", "x\ud800", "\ud800\ud800\ud800", "\udc00\ud800\udc00x"];
  assert.deepEqual(
    texts.map((text) => piecesOf(text, 2).join("")),
    texts,
  );
});

test("sha256 of a long text is that of its bytes", () => {
  const text = "\u{1F684}x\u00e9".repeat(30_000);
  assert.deepEqual(sha256BytesOf(text), sha256BytesOf(Buffer.from(text)));
  assert.equal(sha256Of(""), sha256Of(Buffer.alloc(0)));
});
