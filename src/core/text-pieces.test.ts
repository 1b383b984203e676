import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encodeText } from "./encoded-text.ts";
import { sha256BytesOf, sha256Of, textWithSha256 } from "./sha256.ts";
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

test("sha256 of a long text is its own whatever was asked for before, and the newest is had by it", () => {
  const [a, b] = ["a".repeat(90_000), "b".repeat(90_000)];
  for (const text of [a, b, b, a, `${a.slice(0, 9)}${a.slice(9)}`, "short", a]) {
    assert.equal(sha256Of(text), sha256Of(Buffer.from(text)));
  }
  assert.equal(textWithSha256(sha256Of(a)), a);
  const ofB = sha256Of(b);
  assert.equal(textWithSha256(ofB), b);
  assert.equal(textWithSha256(sha256Of(Buffer.from(a))), undefined);
});

test("encoded: a text's bytes are those of its UTF-8, however long it is and whatever was encoded before", () => {
  const texts = ["a", "\u00e9", "\u{1F684}", "\ud800", "x\u{1F684}y"];
  const lengths = [1, 65_535, 65_536, 70_000, 300_000];
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...lengths)), { maxLength: 6 }),
      (made) => {
        for (const [unit, length] of made) {
          const text = unit.repeat(length).slice(0, length);
          using encoded = encodeText(text);
          assert.ok(Buffer.from(text).equals(encoded.bytes));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("encoded: of a long text once, to the memory of the one before, but for those that somebody still reads", () => {
  const [a, b, c] = ["a".repeat(90_000), "b".repeat(90_000), "c".repeat(90_000)];
  const first = encodeText(a);
  {
    using again = encodeText(`${a.slice(0, 1)}${a.slice(1)}`);
    assert.equal(again.bytes.buffer, first.bytes.buffer);
  }
  {
    using other = encodeText(b);
    assert.notEqual(other.bytes.buffer, first.bytes.buffer);
    assert.ok(Buffer.from(a).equals(first.bytes));
    using third = encodeText(c);
    assert.ok(Buffer.from(b).equals(other.bytes) && Buffer.from(c).equals(third.bytes));
  }
  const last = encodeText(a);
  last[Symbol.dispose]();
  using reused = encodeText(b);
  assert.equal(reused.bytes.buffer, last.bytes.buffer);
});
