import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDetails, decodeStatusText, encodeDetails, encodeStatusText } from "./headers.ts";

test("a short status text in any script comes back as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (text) => {
      assert.equal(decodeStatusText(encodeStatusText(text)), text);
    }),
  );
});

test("an encoded status text is printable ASCII without spaces at its ends", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => {
      const encoded = encodeStatusText(text);
      assert.match(encoded, /^[ -~]*$/u);
      assert.equal(encoded.trim(), encoded);
    }),
  );
});

test("decoding a status text never fails", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("%", "a", "4", "F", "ÿ", " ") }), (header) => {
      assert.equal(typeof decodeStatusText(header), "string");
    }),
  );
});

test("details come back as they were, and those that no header can hold are left out", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (details) => {
      const header = encodeDetails(details);
      assert.ok(header !== undefined && !header.includes("="));
      assert.deepEqual(Buffer.from(decodeDetails(header) ?? []), Buffer.from(details));
    }),
  );
  assert.equal(encodeDetails(new Uint8Array(4_097)), undefined);
});
