import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  Cursor,
  int32Of,
  MALFORMED,
  readLength,
  readTag,
  readVarint,
  skipValue,
  varintBytes,
  writeVarint,
} from "./wire.ts";

function at(bytes: readonly number[] | Uint8Array, start = 0, end = bytes.length): Cursor {
  return new Cursor(Uint8Array.from(bytes), start, end);
}

/** The varint of a number, padded with empty groups to `length` bytes. */
function varint(value: bigint, length = 0): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn));
    rest >>= 7n;
  } while (rest > 0n || bytes.length < length);
  return bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte));
}

const GROUP_1 = 0x0b;
const END_1 = 0x0c;
const GROUP_2 = 0x13;
const END_2 = 0x14;

test("varint: exact up to 2^53, and above that never taken for a small one", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = varint(value);
      const c = at([0xff, ...bytes, 0xff], 1, bytes.length + 1);
      const read = readVarint(c);
      assert.equal(c.at, bytes.length + 1);
      if (value <= 2n ** 53n) assert.equal(read, Number(value));
      else assert.ok(read >= 2 ** 53 && Math.abs(read - Number(value)) <= 2 ** 12, String(read));
    }),
  );
});

const varints: { name: string; bytes: number[]; want: number }[] = [
  { name: "padded with empty groups", bytes: [0x81, 0x80, 0x00], want: 1 },
  { name: "zero in ten bytes", bytes: varint(0n, 10), want: 0 },
  { name: "-1, as int64 in ten bytes", bytes: varint(2n ** 64n - 1n), want: 2 ** 64 },
  { name: "a tenth byte above 1", bytes: [...Array<number>(9).fill(0xff), 0x02], want: MALFORMED },
  { name: "eleven bytes", bytes: [...Array<number>(10).fill(0x80), 0x00], want: MALFORMED },
  { name: "no end", bytes: [0x80, 0x80], want: MALFORMED },
  { name: "no byte", bytes: [], want: MALFORMED },
];
for (const { name, bytes, want } of varints) {
  test(`varint: ${name}`, () => assert.equal(readVarint(at(bytes)), want));
}

test("varint: its end is that of the message, not that of the buffer", () => {
  assert.equal(readVarint(at([0x80, 0x01], 0, 1)), MALFORMED);
});

const tags: { name: string; bytes: number[]; want: number }[] = [
  { name: "the first field", bytes: [0x0a], want: 0x0a },
  { name: "field 16, in two bytes", bytes: [0x82, 0x01], want: 0x82 },
  { name: "the largest field, 2^29 - 1", bytes: varint(0xffff_fffan), want: 0xffff_fffa },
  { name: "padded to five bytes", bytes: varint(0x0an, 5), want: 0x0a },
  { name: "padded to six bytes, which not all decoders take", bytes: varint(0x0an, 6), want: MALFORMED },
  { name: "field 0", bytes: [0x02], want: MALFORMED },
  { name: "field 0 in two bytes", bytes: [0x82, 0x00], want: MALFORMED },
  { name: "more than 32 bits", bytes: varint(0x1_0000_000an), want: MALFORMED },
  { name: "nothing", bytes: [], want: MALFORMED },
  { name: "no end", bytes: [0x8a], want: MALFORMED },
];
for (const { name, bytes, want } of tags) {
  test(`tag: ${name}`, () => assert.equal(readTag(at(bytes)), want));
}

const lengths: { name: string; bytes: number[]; want: number }[] = [
  { name: "all that is left", bytes: [2, 0, 0], want: 2 },
  { name: "nothing", bytes: [0], want: 0 },
  { name: "padded to five bytes", bytes: [...varint(1n, 5), 0], want: 1 },
  { name: "padded to six bytes, which not all decoders take", bytes: [...varint(1n, 6), 0], want: MALFORMED },
  { name: "one more than there is", bytes: [3, 0, 0], want: MALFORMED },
  { name: "2^64 - 1", bytes: [...varint(2n ** 64n - 1n), 0, 0], want: MALFORMED },
  { name: "2^32 + 1 is not 1", bytes: [...varint(2n ** 32n + 1n), 0, 0], want: MALFORMED },
];
for (const { name, bytes, want } of lengths) {
  test(`length: ${name}`, () => assert.equal(readLength(at(bytes)), want));
}

const skips: { name: string; tag: number; bytes: number[]; want: number | false }[] = [
  { name: "a varint", tag: 0x08, bytes: [0x80, 0x01, 9], want: 2 },
  { name: "eight bytes", tag: 0x09, bytes: Array<number>(9).fill(0), want: 8 },
  { name: "eight bytes that are seven", tag: 0x09, bytes: Array<number>(7).fill(0), want: false },
  { name: "four bytes", tag: 0x0d, bytes: Array<number>(5).fill(0), want: 4 },
  { name: "four bytes that are three", tag: 0x0d, bytes: Array<number>(3).fill(0), want: false },
  { name: "a text", tag: 0x0a, bytes: [2, 0xff, 0xff, 9], want: 3 },
  { name: "a text that is too long", tag: 0x0a, bytes: [3, 0xff, 0xff], want: false },
  { name: "an empty group", tag: GROUP_1, bytes: [END_1, 9], want: 1 },
  {
    name: "a group with a field of each kind",
    tag: GROUP_1,
    bytes: [0x08, 1, 0x0a, 1, END_1, 0x0d, 0, 0, 0, 0, END_1],
    want: 11,
  },
  { name: "a group in a group", tag: GROUP_1, bytes: [GROUP_2, END_2, END_1], want: 3 },
  { name: "groups that cross", tag: GROUP_1, bytes: [GROUP_2, END_1, END_2], want: false },
  { name: "a group that is ended by another", tag: GROUP_1, bytes: [END_2], want: false },
  { name: "a group without an end", tag: GROUP_1, bytes: [0x08, 1], want: false },
  { name: "an end without a group", tag: END_1, bytes: [], want: false },
  { name: "wire type 6", tag: 0x0e, bytes: [0, 0], want: false },
  { name: "wire type 7", tag: 0x0f, bytes: [0, 0], want: false },
];
for (const { name, tag, bytes, want } of skips) {
  test(`skip: ${name}`, () => {
    const c = at(bytes);
    const skipped = skipValue(c, tag);
    assert.equal(skipped && c.at, want);
  });
}

test("skip: groups nest a hundred deep and no deeper, and a million of them cost no stack", () => {
  const nested = (depth: number): Cursor =>
    at([...Array<number>(depth - 1).fill(GROUP_1), ...Array<number>(depth).fill(END_1)]);
  assert.equal(skipValue(nested(100), GROUP_1), true);
  assert.equal(skipValue(nested(101), GROUP_1), false);
  const c = new Cursor(new Uint8Array(1_000_000).fill(GROUP_1), 0, 1_000_000);
  assert.equal(skipValue(c, GROUP_1), false);
});

test("skip: whatever the bytes, it ends within the message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 8, max: 255 }), fc.nat(8), (bytes, tag, margin) => {
      const end = Math.max(0, bytes.length - margin);
      const c = new Cursor(bytes, 0, end);
      skipValue(c, tag);
      assert.ok(c.at >= 0 && c.at <= end, `${c.at} of ${end}`);
    }),
  );
});

test("int32: the low 32 bits, signed, of however many there are", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
      const bytes = Uint8Array.from(varint(value));
      assert.equal(int32Of(bytes, 0, bytes.length), Number(BigInt.asIntN(32, value)));
    }),
  );
});

test("writing: what is written is read back, in as many bytes as was said", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 31 - 1 }), (value) => {
      const into = new Uint8Array(8);
      const end = writeVarint(into, 1, value);
      assert.equal(end, 1 + varintBytes(value));
      assert.deepEqual([...into.subarray(1, end)], varint(BigInt(value)));
      assert.equal(readVarint(new Cursor(into, 1, end)), value);
    }),
  );
  for (const value of [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 2 ** 31 - 1]) {
    assert.equal(varintBytes(value), varint(BigInt(value)).length, String(value));
  }
});
