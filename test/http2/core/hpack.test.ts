import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeaderList } from "../../../src/http2/own/contract.ts";
import { HpackDecoder } from "../../../src/http2/own/hpack/decoder.ts";
import { encodeHeaders, withTableSizes } from "../../../src/http2/own/hpack/encoder.ts";
import { huffmanBytes, huffmanDecode, huffmanEncode } from "../../../src/http2/own/hpack/huffman.ts";
import { CODE_BITS, CODES, EOS } from "../../../src/http2/own/hpack/huffman-code.ts";
import { TableEncoder } from "./table-encoder.ts";
import { REQUEST } from "./raw.ts";

const LIMITS = { maxListBytes: 16_384, maxFields: 100, tableBytes: 4_096 };

function newDecoder(limits: Partial<typeof LIMITS> = {}): HpackDecoder<true> {
  return new HpackDecoder<true>({ ...LIMITS, ...limits }, 4_096, () => true);
}
function decode(decoder: HpackDecoder<true>, hex: string | Uint8Array): HeaderList | undefined {
  const bytes = typeof hex === "string" ? Buffer.from(hex.replaceAll(" ", ""), "hex") : hex;
  return decoder.decode(bytes, 0, bytes.length)?.headers;
}

test("the Huffman code is that of RFC 7541, appendix B", () => {
  const samples: readonly (readonly [number, string])[] = [
    [0, "1111111111000"],
    [1, "11111111111111111011000"],
    [10, "111111111111111111111111111100"],
    [32, "010100"],
    [48, "00000"],
    [58, "1011100"],
    [88, "11111100"],
    [92, "1111111111111110000"],
    [97, "00011"],
    [122, "1111011"],
    [126, "1111111111101"],
    [127, "1111111111111111111111111100"],
    [128, "11111111111111100110"],
    [249, "1111111111111111111111111110"],
    [255, "11111111111111111111101110"],
    [EOS, "111111111111111111111111111111"],
  ];
  for (const [symbol, bits] of samples) {
    assert.equal(CODES[symbol]?.toString(2).padStart(CODE_BITS[symbol]!, "0"), bits, `symbol ${symbol}`);
  }
  assert.equal(
    CODE_BITS.reduce((sum, bits) => sum + 2 ** -bits, 0),
    1,
    "a complete code",
  );
});

test("every byte comes back from the Huffman code", () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString("latin1");
  const coded = Buffer.alloc(huffmanBytes(all));
  assert.equal(huffmanEncode(all, coded, 0), coded.length);
  const decoded = Buffer.alloc(512);
  assert.equal(decoded.toString("latin1", 0, huffmanDecode(coded, 0, coded.length, decoded)), all);
});

test("fields come in the order in which they were sent, duplicates, too", () => {
  const list = ["b", "1", "a", "2", "b", "1", "a", ""];
  assert.deepEqual(decode(newDecoder(), encodeHeaders(list)), list);
  const indexing = newDecoder();
  assert.deepEqual(decode(indexing, "4001 61 01 62 4001 61 01 62"), ["a", "b", "a", "b"]);
  assert.equal(indexing.table.count, 2);
});

const errors: readonly (readonly [string, string])[] = [
  ["index 0 is no field", "80"],
  ["an index above both tables is an error", "be"],
  ["the name of an index above both tables is an error", "7e 01 61"],
  ["an integer that is cut off is an error", "ff 80"],
  ["an integer of too many bytes is an error", "ff 80 80 80 80 80 01"],
  ["an integer above 2^28 is an error", "ff ff ff ff ff 7f"],
  ["a string that is cut off is an error", "00 05 61 62"],
  ["a name without a value is an error", "00 01 61"],
  ["a literal without a name is an error", "40"],
  ["the EOS symbol in a string is an error", "00 01 61 84 ff ff ff ff"],
  ["a padding of 8 bits is an error", "00 01 61 82 1f ff"],
  ["a padding that is not all ones is an error", "00 01 61 81 18"],
  ["a size update after a field is an error", "82 20"],
  ["a size update above our limit is an error", "3f e2 1f"],
];
for (const [name, hex] of errors) {
  test(`HPACK: ${name}`, () => {
    assert.equal(decode(newDecoder(), hex), undefined);
  });
}

test("a padding of up to 7 bits, all ones, is no error", () => {
  assert.deepEqual(decode(newDecoder(), "00 01 61 81 1f"), ["a", "a"]);
  assert.deepEqual(decode(newDecoder(), "00 01 61 84 18 c6 31 ff"), ["a", "aaaaa"]);
});

test("size updates at the start of a block empty the table, and limit what it holds", () => {
  const decoder = newDecoder();
  decode(decoder, "4001 61 01 62");
  assert.deepEqual(decoder.table.count, 1);
  assert.deepEqual(decode(decoder, "20 3f 0f 82"), [":method", "GET"]);
  assert.deepEqual([decoder.table.count, decoder.table.maxBytes], [0, 46]);
  decode(decoder, "4001 61 01 62");
  decode(decoder, "4001 61 01 63");
  assert.deepEqual(decode(decoder, "be"), ["a", "c"]);
  assert.equal(decode(decoder, "bf"), undefined);
});

test("every entry of the static table is read and written by its index", () => {
  const decoder = newDecoder();
  const entries = Array.from({ length: 61 }, (_, i) => decode(decoder, Uint8Array.of(0x81 + i)) ?? []);
  assert.deepEqual(
    [entries[0], entries[1], entries[15]],
    [
      [":authority", ""],
      [":method", "GET"],
      ["accept-encoding", "gzip, deflate"],
    ],
  );
  assert.deepEqual(
    [entries[7], entries[30], entries[60]],
    [
      [":status", "200"],
      ["content-type", ""],
      ["www-authenticate", ""],
    ],
  );
  for (const [i, entry] of entries.entries()) {
    assert.deepEqual([...encodeHeaders(entry)], [0x81 + i]);
    assert.deepEqual(decode(decoder, encodeHeaders([entry[0]!, "other"])), [entry[0], "other"]);
  }
});

test("an entry as large as the table stays in it", () => {
  const decoder = newDecoder();
  decode(decoder, "3f 03 4001 61 01 62");
  assert.deepEqual([decoder.table.maxBytes, decoder.table.count, decode(decoder, "be")], [34, 1, ["a", "b"]]);
});

test("an entry larger than the table empties it, and is no error", () => {
  const decoder = newDecoder();
  decode(decoder, "4001 61 01 62");
  decode(decoder, Buffer.concat([Buffer.from("400161 7f c11f".replaceAll(" ", ""), "hex"), Buffer.alloc(4_160, 0x62)]));
  assert.deepEqual([decoder.table.count, decoder.table.bytes], [0, 0]);
});

test("an entry may take its name from the entry that it pushes out", () => {
  const decoder = newDecoder();
  decode(decoder, "3f 0f 4001 61 01 62");
  assert.deepEqual(decode(decoder, "7e 02 63 63"), ["a", "cc"]);
  assert.deepEqual(decode(decoder, "be"), ["a", "cc"]);
});

test("once a smaller table was acknowledged, the next block must begin by making it smaller", () => {
  for (const [hex, fine] of [
    ["82", false],
    ["3f e1 1f 82", false],
    ["20 82", true],
    ["3f 45 82", true],
    ["20 3f 45 82", true],
  ] as const) {
    const decoder = newDecoder();
    decode(decoder, "82");
    decoder.limitTable(100);
    assert.equal(decode(decoder, hex) !== undefined, fine, hex);
  }
});

test("a list above a limit is read to its end, so that the table stays right, but not kept", () => {
  for (const limits of [{ maxListBytes: 70 }, { maxFields: 2 }]) {
    const decoder = newDecoder(limits);
    const block = Buffer.from("4001610162 4001630164 4001650166".replaceAll(" ", ""), "hex");
    const decoded = decoder.decode(block, 0, block.length);
    assert.deepEqual(decoded, { headers: [], facts: undefined });
    assert.deepEqual([decoder.table.count, decode(decoder, "be")], [3, ["e", "f"]]);
  }
});

test("few bytes that stand for many are not a list in memory", () => {
  const decoder = newDecoder();
  const long = Buffer.concat([Buffer.from("400161 7f a11e".replaceAll(" ", ""), "hex"), Buffer.alloc(4_000, 0x62)]);
  decode(decoder, long);
  const bomb = Buffer.alloc(10, 0x80 | 62);
  assert.deepEqual(decode(decoder, bomb), []);
  assert.equal(decoder.gaveUp, false);
});

test("few bytes that stand for far more than the limit are given up, however many there are", () => {
  for (const field of [0x80 | 62, 0x82]) {
    const decoder = newDecoder();
    decode(decoder, Buffer.concat([Buffer.from("4001617fa11e", "hex"), Buffer.alloc(4_000, 0x62)]));
    assert.equal(decode(decoder, Buffer.alloc(60_000, field)), undefined);
    assert.equal(decoder.gaveUp, true);
  }
});

test("a block that is repeated is the same list, until the table changes what it means", () => {
  const decoder = newDecoder();
  const fixed = encodeHeaders(REQUEST);
  const first = decode(decoder, fixed);
  assert.equal(decode(decoder, fixed), first);
  decode(decoder, "4001 61 01 62");
  assert.equal(decode(decoder, fixed), first, "it reads nothing of the table");
  const among = Buffer.concat([Buffer.alloc(3, 0xff), fixed, Buffer.alloc(3, 0xff)]);
  assert.equal(decoder.decode(among, 3, 3 + fixed.length)?.headers, first, "wherever it stands in a chunk");
  const indexed = decode(decoder, "be");
  assert.equal(decode(decoder, "be"), indexed);
  decode(decoder, "4001 63 01 64");
  assert.deepEqual(decode(decoder, "be"), ["c", "d"]);
  assert.deepEqual(decode(decoder, "bf"), ["a", "b"]);
  decode(decoder, "20");
  assert.equal(decode(decoder, "be"), undefined);
});

test("blocks that differ in one byte are never taken for each other", () => {
  const decoder = newDecoder();
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1_000; i++) {
      const list = [...REQUEST, "x-padding", "y".repeat(100), "grpc-timeout", `${i}m`, "x-more", "z".repeat(100)];
      assert.deepEqual(decode(decoder, encodeHeaders(list)), list);
    }
  }
});

test("what is encoded without the table uses nothing of it, and is shorter than its text", () => {
  const decoder = newDecoder();
  const block = encodeHeaders(REQUEST);
  assert.deepEqual([decode(decoder, block), decoder.table.count], [REQUEST, 0]);
  assert.ok(block.length < REQUEST.join("").length * 0.7);
  assert.throws(() => encodeHeaders(["a", "€"]), RangeError);
});

test("fields that repeat themselves are indexed, those that change or are large are not, sensitive ones never", () => {
  const encoder = new TableEncoder(4_096);
  const decoder = newDecoder();
  const options = { sensitive: new Set(["x-secret"]) };
  const changing = (i: number): string[] => ["grpc-timeout", `${i}S`, "x-secret", "s", "x-large", "l".repeat(3_000)];
  const list = (i: number): string[] => [...REQUEST, "authorization", "Bearer abc", ...changing(i)];
  const first = encoder.encode(list(0), options);
  const second = encoder.encode(list(1), options);
  assert.deepEqual(decode(decoder, first), list(0));
  assert.deepEqual(decode(decoder, second), list(1));
  // :path, :authority, content-type, te, authorization
  assert.deepEqual(
    [encoder.table.count, decoder.table.count, encoder.table.bytes === decoder.table.bytes],
    [5, 5, true],
  );
  assert.ok(Buffer.from(second).includes(Buffer.from([0x10])), "never indexed");
  assert.throws(() => encoder.encode(["a", "b", "c", "€"]), RangeError);
  assert.equal(encoder.table.count, 5);
});

test("a list that is encoded again is the same block, once everything of it is indexed", () => {
  const encoder = new TableEncoder(4_096);
  encoder.encode(REQUEST);
  const block = encoder.encode(REQUEST);
  assert.equal(encoder.encode(REQUEST), block);
  assert.equal(block.length, REQUEST.length / 2);
});

test("size updates come before a block, the least first", () => {
  const decoder = newDecoder();
  decode(decoder, "4001 61 01 62");
  assert.deepEqual(decode(decoder, withTableSizes([0, 4_096], Uint8Array.of(0x82))), [":method", "GET"]);
  assert.deepEqual([decoder.table.count, decoder.table.maxBytes], [0, 4_096]);
});
