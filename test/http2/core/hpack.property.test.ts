import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HpackDecoder } from "../../../src/http2/own/hpack/decoder.ts";
import { encodeHeaders, withTableSizes } from "../../../src/http2/own/hpack/encoder.ts";
import { huffmanBytes, huffmanDecode, huffmanEncode } from "../../../src/http2/own/hpack/huffman.ts";
import { TableEncoder } from "./table-encoder.ts";
import { CLEVER_STEPS, CleverEncoder } from "./clever-encoder.ts";

const LIMITS = { maxListBytes: 1 << 20, maxFields: 1_000, tableBytes: 4_096 };
const bytesText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  maxLength: 60,
});
/** Few different names and values, so that tables are used, and some of any bytes. */
const field = fc.tuple(
  fc.oneof(fc.constantFrom(":path", "authorization", "user-agent", "x-a", "x-b", "grpc-timeout"), bytesText),
  fc.oneof(fc.constantFrom("", "/a", "one", "two", "v".repeat(300), "w".repeat(2_500)), bytesText),
);
const list = fc.array(field, { maxLength: 12 }).map((fields) => fields.flat());

function newDecoder(): HpackDecoder<true> {
  return new HpackDecoder<true>(LIMITS, 4_096, () => true);
}

test("any bytes come back from the Huffman code, and any other bytes are refused or decode to what encodes to them", () => {
  fc.assert(
    fc.property(bytesText, fc.uint8Array({ maxLength: 12 }), (text, bytes) => {
      const coded = Buffer.alloc(huffmanBytes(text));
      assert.equal(huffmanEncode(text, coded, 0), coded.length);
      const into = Buffer.alloc(coded.length * 2 + 32);
      assert.equal(into.toString("latin1", 0, huffmanDecode(coded, 0, coded.length, into)), text);
      const length = huffmanDecode(bytes, 0, bytes.length, into);
      if (length < 0) return;
      const again = Buffer.alloc(bytes.length);
      assert.equal(huffmanEncode(into.toString("latin1", 0, length), again, 0), bytes.length);
      assert.ok(again.equals(bytes));
    }),
  );
});

test("what is encoded without a table decodes to itself, on any connection at any time", () => {
  const decoder = newDecoder();
  fc.assert(
    fc.property(list, fc.boolean(), (headers, indexed) => {
      if (indexed) decoder.decode(Buffer.from("4001610162", "hex"), 0, 5);
      const block = encodeHeaders(headers, { sensitive: new Set(["authorization"]) });
      assert.deepEqual(decoder.decode(block, 0, block.length)?.headers, headers);
    }),
  );
});

test("what the table encoder makes decodes to itself, with size updates in between, and the tables stay alike", () => {
  const step = fc.oneof({ weight: 5, arbitrary: list }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 4_096 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const encoder = new TableEncoder(4_096);
      const decoder = newDecoder();
      let sizes: number[] = [];
      for (const next of steps) {
        if (typeof next === "number") {
          encoder.resize(next);
          sizes.push(next);
          continue;
        }
        // Twice: the second time is most of it indexed.
        for (const headers of [next, next, [...next]]) {
          const block = withTableSizes(sizes, encoder.encode(headers));
          sizes = [];
          assert.deepEqual(decoder.decode(block, 0, block.length)?.headers, headers);
          assert.deepEqual([decoder.table.count, decoder.table.bytes], [encoder.table.count, encoder.table.bytes]);
        }
      }
    }),
  );
});

test("whatever representations an encoder chooses, the list is decoded, from the cache or not", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(list, CLEVER_STEPS), { maxLength: 30 }), (blocks) => {
      const encoder = new CleverEncoder();
      const decoder = newDecoder();
      for (const [headers, choices] of blocks) {
        for (let again = 0; again < 3; again++) {
          const block = encoder.encode(headers, choices);
          assert.deepEqual(decoder.decode(block, 0, block.length)?.headers, headers);
        }
      }
    }),
  );
});

test("any bytes decode to a list within the limits, or to nothing", () => {
  const limits = { maxListBytes: 500, maxFields: 5, tableBytes: 4_096 };
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder<true>(limits, 4_096, () => true);
      for (const block of blocks) {
        const decoded = decoder.decode(block, 0, block.length);
        if (decoded === undefined) return;
        assert.ok(decoded.headers.length <= 10 && decoded.headers.join("").length <= 500);
        assert.ok(decoder.table.bytes <= decoder.table.maxBytes);
      }
    }),
  );
});
