import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Bits56,
  HexReader,
  KEEPS_ALL,
  KEEPS_NONE,
  probabilityOf,
  thresholdOf,
  writeRandomness,
} from "./threshold.ts";

const golden = [
  { probability: 1, precision: 4, want: "0" },
  { probability: 0.5, precision: 4, want: "8" },
  { probability: 0.25, precision: 4, want: "c" },
  { probability: 0.1, precision: 4, want: "e666" },
  { probability: 0.01, precision: 4, want: "fd70a" },
  { probability: 0.01, precision: 5, want: "fd70a4" },
  { probability: 0.1, precision: 14, want: "e6666666666666" },
  // Leading zeros are digits: without them this were the threshold of one half.
  { probability: 31 / 32, precision: 4, want: "08" },
  { probability: 1 - 2 ** -56, precision: 14, want: "0" },
  { probability: 2 ** -56, precision: 4, want: "ffffffffffffff" },
  { probability: 2 ** -52, precision: 4, want: "fffffffffffff" },
  { probability: 0.9999, precision: 4, want: "0007" },
];
for (const { probability, precision, want } of golden) {
  test(`threshold: ${probability} with ${precision} digits is th:${want}`, () => {
    assert.equal(thresholdOf(probability, precision).text, want);
  });
}

test("threshold: as the SDKs write it, with 4 digits", () => {
  assert.deepEqual([thresholdOf(0.1).text, thresholdOf(0.01).text], ["e666", "fd70a"]);
});

test("threshold: all of 1, and nothing of 0 and of what 56 bits cannot tell from it", () => {
  assert.deepEqual([thresholdOf(1), thresholdOf(0), thresholdOf(2 ** -58)], [KEEPS_ALL, KEEPS_NONE, KEEPS_NONE]);
  assert.deepEqual([of(KEEPS_ALL), of(KEEPS_NONE)], [1, 0]);
});

function of({ hi, lo }: Bits56): number {
  return probabilityOf(hi, lo);
}

function readThreshold(text: string): [number, number] | undefined {
  const reader = new HexReader();
  return reader.readThreshold(Buffer.from(text), 0, text.length) ? [reader.hi, reader.lo] : undefined;
}

test("threshold: what is written is read as the same number, and means the probability that was asked for", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-12, max: 1, noNaN: true }), fc.integer({ min: 1, max: 14 }), (p, precision) => {
      const threshold = thresholdOf(p, precision);
      assert.deepEqual(readThreshold(threshold.text), [threshold.hi, threshold.lo]);
      const off = Math.abs(of(threshold) - p);
      assert.ok(off <= Math.max(16 ** -precision, 2 ** -54), `${p} became ${of(threshold)}`);
    }),
  );
});

test("threshold: its probability is the double that is nearest to it", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 1n << 56n }), (value) => {
      const nearest = Number((1n << 56n) - value) / 2 ** 56;
      assert.equal(probabilityOf(Number(value >> 32n), Number(value & 0xffff_ffffn)), nearest);
    }),
  );
});

test("threshold: a lower probability never has a lower threshold", () => {
  const rate = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(rate, rate, fc.integer({ min: 1, max: 14 }), (a, b, precision) => {
      const [low, high] = [thresholdOf(Math.min(a, b), precision), thresholdOf(Math.max(a, b), precision)];
      assert.ok(low.hi > high.hi || (low.hi === high.hi && low.lo >= high.lo));
    }),
  );
});

test("threshold: 1 to 14 lower-case digits are one, and nothing else is", () => {
  assert.deepEqual(readThreshold("0"), [0, 0]);
  assert.deepEqual(readThreshold("08"), [0x08_0000, 0]);
  assert.deepEqual(readThreshold("8"), [0x80_0000, 0]);
  assert.deepEqual(readThreshold("ffffffffffffff"), [0xff_ffff, 0xffff_ffff]);
  for (const text of ["", "0123456789abcde", "FF", "0x8", "8 ", "g"])
    assert.equal(readThreshold(text), undefined, text);
});

test("randomness: exactly 14 digits, written as they were read", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{14}$/u), (text) => {
      const reader = new HexReader();
      assert.ok(reader.readRandomness(Buffer.from(text), 0, 14));
      const out = Buffer.alloc(14);
      assert.equal(writeRandomness(reader.hi, reader.lo, out, 0), 14);
      assert.equal(out.toString(), text);
    }),
  );
  assert.ok(!new HexReader().readRandomness(Buffer.from("0123456789abc"), 0, 13));
});
