import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { transcodeDirect } from "../../src/otlp/json/direct.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import { type Transcoded, transcodeParsed } from "../../src/otlp/json/transcode-parsed.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { decodeRequest, encodeRequest } from "../support/oracle/oracle.ts";
import { toOtlpJson } from "../support/oracle/otlp-json.ts";

for (const signal of SIGNALS) {
  test(`JSON: a request of ${signal} in OTLP/JSON becomes what its protobuf is, in as many bytes`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (plain) => {
        const body = Buffer.from(toOtlpJson(signal, plain));
        const direct = transcodeDirect(signal, body);
        assert.ok(direct !== undefined, "it needs no objects");
        assert.deepEqual(decodeRequest(signal, direct), plain);
        const parsed = transcodeParsed(signal, body);
        assert.ok(parsed.ok);
        assert.equal(parsed.rejected, 0, parsed.message);
        assert.deepEqual(Buffer.from(parsed.bytes), Buffer.from(encodeRequest(signal, plain)));
        assert.equal(direct.length, parsed.bytes.length);
      }),
      { numRuns: 300 },
    );
  });

  test(`JSON: a request of ${signal} means the same in every spelling that the mapping allows`, () => {
    const seed = fc.noShrink(fc.nat());
    fc.assert(
      fc.property(arbitraryRequest(signal), seed, (plain, chosen) => {
        const result = transcodeBoth(signal, Buffer.from(toOtlpJson(signal, plain, seededRandom(chosen))));
        assert.ok(result.ok);
        assert.equal(result.message, "");
        assert.deepEqual(decodeRequest(signal, result.bytes), plain);
      }),
      { numRuns: 300 },
    );
  });

  test(`JSON: a text of ${signal} with any byte changed is transcoded or refused without an exception`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), fc.nat(), fc.nat({ max: 255 }), (plain, at, byte) => {
        const body = Buffer.from(toOtlpJson(signal, plain));
        body[at % body.length] = byte;
        const result = transcodeBoth(signal, body);
        if (result.ok) decodeRequest(signal, result.bytes);
        else assert.notEqual(result.message, "");
      }),
      { numRuns: 300 },
    );
  });

  test(`JSON: any bytes and any JSON value called ${signal} give a result`, () => {
    const value = fc.oneof(fc.uint8Array(), fc.json().map(utf8), fc.jsonValue().map(nest).map(utf8));
    fc.assert(
      fc.property(value, (body) => {
        const result = transcodeBoth(signal, body);
        if (result.ok) decodeRequest(signal, result.bytes);
      }),
      { numRuns: 500 },
    );
  });

  test(`JSON: any value in any place of ${signal} gives a result that decodes`, () => {
    const odd = fc.oneof(fc.jsonValue(), fc.constantFrom("x", -1, 1.5, "NaN", [], [null], {}, [[]], true));
    fc.assert(
      fc.property(arbitraryRequest(signal), odd, fc.nat(), (plain, value, place) => {
        const document: unknown = JSON.parse(toOtlpJson(signal, plain));
        const result = transcodeBoth(signal, utf8(JSON.stringify(replaceNth(document, place % 40, value))));
        if (result.ok) decodeRequest(signal, result.bytes);
      }),
      { numRuns: 500 },
    );
  });
}

/** As `transcode`; what needs no objects is to mean the same by way of them. */
function transcodeBoth(signal: Signal, body: Uint8Array): Transcoded {
  const result = transcode(signal, body);
  if (transcodeDirect(signal, body) === undefined) return result;
  const parsed = transcodeParsed(signal, body);
  assert.ok(result.ok && parsed.ok);
  assert.deepEqual([parsed.rejected, parsed.message], [0, ""]);
  assert.deepEqual(decodeRequest(signal, result.bytes), decodeRequest(signal, parsed.bytes));
  return result;
}

test("JSON: integers and numbers of any spelling are what they are by way of objects", () => {
  const digits = fc.stringMatching(/^-?\d{1,22}$/u);
  const number = fc.stringMatching(/^-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?(?:[eE][+-]?\d{1,3})?$/u);
  fc.assert(
    fc.property(fc.oneof(digits, number), fc.boolean(), (written, quoted) => {
      const value = quoted ? `"${written}"` : written;
      for (const name of ["asDouble", "asInt", "flags", "startTimeUnixNano"]) {
        const one = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"${name}":${value}}]}}]}]}]}`;
        transcodeBoth("metrics", utf8(one));
      }
      for (const name of ["count", "sum", "bucketCounts", "explicitBounds"]) {
        const list = name.endsWith("s") ? `[${value},${value}]` : value;
        const one = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"${name}":${list}}]}}]}]}]}`;
        transcodeBoth("metrics", utf8(one));
      }
    }),
    { numRuns: 500 },
  );
});

test("JSON: a number of sixteen digits is the double that is nearest, not one that was rounded twice", () => {
  for (const written of ["995.9587438169223", "931455031177396.3", "90718060.57339931", "-99158232681.6932"]) {
    const one = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":${written}}]}}]}]}]}`;
    transcodeBoth("metrics", utf8(one));
  }
});

test("JSON: a double of more than 128 characters is left to the way by objects", () => {
  const point = (value: string): Uint8Array =>
    utf8(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"asDouble":${value}}]}}]}]}]}`);
  for (const [length, isDirect] of [
    [128, true],
    [129, false],
  ] as const) {
    for (const written of ["7".repeat(length), `"0.${"3".repeat(length - 2)}"`]) {
      assert.equal(transcodeDirect("metrics", point(written)) !== undefined, isDirect, `${length}: ${written}`);
      transcodeBoth("metrics", point(written));
    }
  }
});

test("JSON: texts with any escapes are what they are by way of objects", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text).slice(1, -1)),
    fc.constantFrom(
      "\\u00e9",
      "\\uD83D\\uDE80",
      "\\ud83d",
      "\\udE80",
      "\\u0000",
      "\\/",
      "\\x",
      "\\u12",
      "\\",
      "\t",
      "é",
    ),
    fc.constantFrom("\\u0041", '\\b\\f\\n\\r\\t\\"', "x".repeat(120), "é".repeat(70), "\\uffff", "\\u07ff", "\\u0800"),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const text = parts.join("");
      for (const record of [`"body":{"stringValue":"${text}"}`, `"${text}":0`]) {
        transcodeBoth("logs", utf8(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{${record}}]}]}]}`));
      }
    }),
    { numRuns: 500 },
  );
});

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The value in all places that could take it. */
function nest(value: unknown): string {
  const scopes = [
    { spans: value, metrics: [{ gauge: value, sum: { dataPoints: value } }], logRecords: [value], scope: value },
  ];
  const resources = [{ resource: { attributes: value }, scopeSpans: scopes, scopeMetrics: scopes, scopeLogs: scopes }];
  return JSON.stringify({ resourceSpans: resources, resourceMetrics: resources, resourceLogs: resources });
}

/** A copy of `value` in which the n-th value below the top, counted depth first, is `other`. */
function replaceNth(value: unknown, n: number, other: unknown): unknown {
  let seen = 0;
  const walk = (at: unknown): unknown => {
    if (seen++ === n + 1) return other;
    if (Array.isArray(at)) return at.map(walk);
    if (typeof at !== "object" || at === null) return at;
    return Object.fromEntries(Object.entries(at).map(([key, inner]) => [key, walk(inner)]));
  };
  return walk(value);
}
