import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import protobuf from "protobufjs";
import { ProtoWriter } from "./proto-writer.ts";

type Arbitrary = fc.Arbitrary<{ ours: (out: ProtoWriter) => void; theirs: (out: protobuf.Writer) => void }>;

const number = fc.constantFrom(1, 15, 16, 2_047, 2_048, 536_870_911);
const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const field: Arbitrary = fc.oneof(
  fc.tuple(number, fc.string({ unit: "binary", maxLength: 60 })).map(([at, text]) => ({
    ours: (out: ProtoWriter) => out.string(at, text),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 2)).string(text),
  })),
  fc.tuple(number, fc.uint8Array()).map(([at, bytes]) => ({
    ours: (out: ProtoWriter) => out.bytes(at, bytes),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 2)).bytes(bytes),
  })),
  fc.tuple(number, fc.maxSafeInteger()).map(([at, value]) => ({
    ours: (out: ProtoWriter) => out.varintField(at, value),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 0)).int64(String(value)),
  })),
  fc.tuple(number, long).map(([at, value]) => ({
    ours: (out: ProtoWriter) => out.varint64Field(at, value),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 0)).int64(String(value)),
  })),
  fc.tuple(number, long).map(([at, value]) => ({
    ours: (out: ProtoWriter) => out.fixed64Field(at, value),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 1)).sfixed64(String(value)),
  })),
  fc.tuple(number, fc.double()).map(([at, value]) => ({
    ours: (out: ProtoWriter) => out.doubleField(at, value),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 1)).double(value),
  })),
  fc.tuple(number, fc.nat({ max: 0xffff_ffff })).map(([at, value]) => ({
    ours: (out: ProtoWriter) => out.fixed32Field(at, value),
    theirs: (out: protobuf.Writer) => void out.uint32(tag(at, 5)).fixed32(value),
  })),
);

test("proto writer: fields written from the last to the first are what protobufjs writes from first to last", () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const out = new ProtoWriter(0);
      const expected = protobuf.Writer.create();
      for (const { ours } of fields.toReversed()) ours(out);
      for (const { theirs } of fields) theirs(expected);
      assert.deepEqual(Buffer.from(out.finish()), Buffer.from(expected.finish()));
    }),
  );
});

test("proto writer: a message holds what was written since its mark, and a rewind forgets", () => {
  const out = new ProtoWriter(0);
  out.string(3, "after");
  const mark = out.mark();
  out.string(9, "x".repeat(200));
  out.rewind(mark);
  out.string(1, "inside");
  out.message(2, mark);
  const expected = protobuf.Writer.create();
  expected.uint32(tag(2, 2)).fork().uint32(tag(1, 2)).string("inside").ldelim().uint32(tag(3, 2)).string("after");
  assert.deepEqual(Buffer.from(out.finish()), Buffer.from(expected.finish()));
});

test("proto writer: an empty message is a tag and a zero", () => {
  const out = new ProtoWriter(0);
  out.message(1, out.mark());
  assert.deepEqual([...out.finish()], [10, 0]);
});

function tag(at: number, wire: number): number {
  return ((at << 3) | wire) >>> 0;
}
