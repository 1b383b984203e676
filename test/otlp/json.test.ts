import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../../src/core/random.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import { SIGNALS } from "../../src/otlp/signal.ts";
import { arbitraryRequest } from "../support/oracle/arbitraries.ts";
import { decodeRequest, encodeRequest } from "../support/oracle/oracle.ts";
import { toOtlpJson } from "../support/oracle/otlp-json.ts";

for (const signal of SIGNALS) {
  test(`JSON: a request of ${signal} in OTLP/JSON becomes the bytes that its protobuf has`, () => {
    fc.assert(
      fc.property(arbitraryRequest(signal), (plain) => {
        const result = transcode(signal, Buffer.from(toOtlpJson(signal, plain)));
        assert.ok(result.ok);
        assert.equal(result.rejected, 0, result.message);
        assert.deepEqual(Buffer.from(result.bytes), Buffer.from(encodeRequest(signal, plain)));
      }),
      { numRuns: 300 },
    );
  });

  test(`JSON: a request of ${signal} means the same in every spelling that the mapping allows`, () => {
    const seed = fc.noShrink(fc.nat());
    fc.assert(
      fc.property(arbitraryRequest(signal), seed, (plain, chosen) => {
        const result = transcode(signal, Buffer.from(toOtlpJson(signal, plain, seededRandom(chosen))));
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
        const result = transcode(signal, body);
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
        const result = transcode(signal, body);
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
        const result = transcode(signal, utf8(JSON.stringify(replaceNth(document, place % 40, value))));
        if (result.ok) decodeRequest(signal, result.bytes);
      }),
      { numRuns: 500 },
    );
  });
}

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
