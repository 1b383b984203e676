import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { JsonOut } from "../../src/otlp/json/json-out.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import { writeJson } from "../../src/otlp/json/write-json.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { decodeRequest, encodeRequest } from "../support/oracle/oracle.ts";
import { readOtlpJson, toOtlpJson } from "../support/oracle/otlp-json.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";

const MOST = 67_108_864;

for (const signal of SIGNALS) {
  test(`written JSON: a request of ${signal} is what its mapping to JSON has`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (plain) => {
        const written = writeJson(signal, encodeRequest(signal, plain), MOST);
        assert.ok(written.ok);
        const text = written.bytes.toString();
        assert.deepEqual(JSON.parse(text), JSON.parse(toOtlpJson(signal, plain)));
        const back = transcode(signal, written.bytes);
        assert.ok(back.ok && back.message === "");
        assert.deepEqual(decodeRequest(signal, back.bytes), plain);
      }),
      { numRuns: 300 },
    );
  });

  test(`written JSON: ${signal} in an encoding that nobody would choose are what a decoder has of them`, () => {
    fc.assert(
      fc.property(arbitraryEncoding(signal), ({ bytes, plain }) => {
        const written = writeJson(signal, bytes, MOST);
        assert.ok(written.ok);
        assert.deepEqual(readOtlpJson(signal, written.bytes.toString()), plain);
      }),
      { numRuns: 300 },
    );
  });

  test(`written JSON: ${signal} with any byte changed are malformed, or JSON that is read again`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), fc.nat(), fc.nat({ max: 255 }), (plain, at, byte) => {
        const bytes = Buffer.from(encodeRequest(signal, plain));
        if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const written = writeJson(signal, bytes, MOST);
        if (written.ok) assert.ok(typeof JSON.parse(written.bytes.toString()) === "object");
        else assert.equal(written.kind, "malformed");
      }),
      { numRuns: 500 },
    );
  });

  test(`written JSON: ${signal} that would be longer than they may are not written`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), fc.double({ min: 0, max: 1, noNaN: true }), (plain, share) => {
        const bytes = encodeRequest(signal, plain);
        const whole = writeJson(signal, bytes, MOST);
        assert.ok(whole.ok);
        const { length } = whole.bytes;
        const most = Math.floor(share * length);
        const written = writeJson(signal, bytes, most);
        if (most < length) assert.deepEqual(written, { ok: false, kind: "too_large" });
        assert.ok(writeJson(signal, bytes, 6 * length + 64).ok);
      }),
      { numRuns: 200 },
    );
  });
}

test("written JSON: nothing is an empty object, texts have escapes, and what is not UTF-8 is malformed", () => {
  const written = writeJson("logs", new Uint8Array(0), 2);
  assert.equal(written.ok && written.bytes.toString(), "{}");
  const every = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code)).join("") + '\u2028 🚀 \\"/';
  const plain = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: every } }] }] }] };
  const bytes = encodeRequest("logs", plain);
  const escaped = writeJson("logs", bytes, MOST);
  assert.deepEqual(escaped.ok && JSON.parse(escaped.bytes.toString()), plain);
  const at = Buffer.from(bytes).indexOf("🚀");
  const broken = Buffer.from(bytes).fill(0xff, at, at + 1);
  assert.deepEqual(writeJson("logs", broken, MOST), { ok: false, kind: "malformed" });
});

/** What is written of a number, and nothing where it has no room in so many bytes. */
function numberIn(most: number, write: (out: JsonOut) => void): string {
  const out = new JsonOut();
  out.begin(0, most);
  write(out);
  return out.full ? "" : out.finish().toString();
}

test("written JSON: whole numbers have all of their digits, and no more room than they need", () => {
  const edges = [
    0n,
    9n,
    10n,
    999_999_999n,
    10n ** 9n,
    10n ** 18n - 1n,
    10n ** 18n,
    2n ** 32n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  const numbers = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
  fc.assert(
    fc.property(numbers, (number) => {
      const [high, low] = [Number(number >> 32n), Number(number & 0xffff_ffffn)];
      for (const [text, write] of [
        [`"${number}"`, (out: JsonOut) => out.wide(high, low)],
        [`"${BigInt.asIntN(64, number)}"`, (out: JsonOut) => out.signedWide(high | 0, low)],
        [String(low), (out: JsonOut) => out.integer(low)],
        [String(low | 0), (out: JsonOut) => out.integer(low | 0)],
      ] as const) {
        assert.deepEqual([numberIn(text.length, write), numberIn(text.length - 1, write)], [text, ""]);
      }
    }),
  );
});
