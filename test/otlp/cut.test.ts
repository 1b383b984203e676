import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { type SplitLimits, splitRequest, type RequestPart } from "../../src/otlp/split-request.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { explode } from "../support/oracle/explode.ts";
import { encodeMessage, encodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import { list } from "../support/oracle/walk.ts";

const KINDS = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] as const;

/**
 * All that is in a request, one entry for each item, or for each point of a metric, with all that
 * surrounds it.
 */
function contents(signal: Signal, bytes: Uint8Array): string[] {
  return explode(signal, bytes).items.flatMap(({ raw, item }) => {
    if (signal !== "metrics") return [raw];
    const around = raw.split(" ").slice(0, 2).join(" ");
    const kind = KINDS.find((name) => item[name] !== undefined);
    const data = kind === undefined ? {} : dataOf(item, kind);
    const points = list(data["dataPoints"]);
    const described = `${around} ${seen({ ...item, ...(kind && { [kind]: { ...data, dataPoints: [] } }) })}`;
    return points.length === 0 ? [described] : points.map((point) => `${described} ${seen(point)}`);
  });
}

function dataOf(item: Plain, kind: string): Plain {
  const data = item[kind];
  assert.ok(typeof data === "object" && !Array.isArray(data) && !Buffer.isBuffer(data));
  return data;
}

function seen(value: unknown): string {
  return inspect(value, { depth: null, maxArrayLength: null, breakLength: Infinity, sorted: true });
}

function assertWhole(signal: Signal, bytes: Uint8Array, parts: readonly RequestPart[], limits: SplitLimits): void {
  assert.deepEqual(
    parts.flatMap((part) => contents(signal, part.bytes)),
    contents(signal, bytes),
  );
  const { extras } = explode(signal, bytes);
  for (const part of parts) {
    const envelope = scanned(signal, part.bytes);
    assert.deepEqual([part.items, part.points], [envelope.totalItems, envelope.totalPoints]);
    assert.equal(explode(signal, part.bytes).extras, extras);
    assert.ok(part.items <= limits.items || part.items === 1);
    const single = part.items <= 1 && (signal !== "metrics" || part.points <= 1);
    assert.ok(part.bytes.length <= limits.bytes || single, `${part.bytes.length} of ${limits.bytes} bytes`);
    assert.equal(part.bytes.length, part.bytes.buffer.byteLength, "owned");
  }
}

for (const signal of SIGNALS) {
  test(`cut ${signal}: parts are within the limits, and together hold everything once, in order`, () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(arbitraryEncoding(signal), share, fc.integer({ min: 1, max: 6 }), ({ bytes }, of, items) => {
        const limits = { bytes: Math.floor(bytes.length * of), items };
        const parts = splitRequest(signal, bytes, limits);
        if (parts !== undefined) return assertWhole(signal, bytes, parts, limits);
        const { totalItems, totalPoints } = scanned(signal, bytes);
        const fits = bytes.length <= limits.bytes && totalItems <= items;
        const single = totalItems <= 1 && (signal !== "metrics" || totalPoints <= 1);
        assert.ok(fits || single, `${totalItems} items, ${totalPoints} points`);
      }),
      { numRuns: 150 },
    );
  });
}

function scanned(signal: Signal, bytes: Uint8Array): Envelope {
  const envelope = new Envelope();
  assert.ok(scanEnvelope(signal, bytes, envelope));
  return envelope;
}

const POINTS = 2_000;
const TEMPORALITY = { aggregationTemporality: 2 };
const MORE: Readonly<Record<(typeof KINDS)[number], Plain>> = {
  gauge: {},
  sum: { ...TEMPORALITY, isMonotonic: true },
  histogram: TEMPORALITY,
  exponentialHistogram: TEMPORALITY,
  summary: {},
};
const POINT: Readonly<Record<(typeof KINDS)[number], (i: number) => Plain>> = {
  gauge: (i) => ({ timeUnixNano: String(i), asInt: String(i) }),
  sum: (i) => ({ timeUnixNano: String(i), asDouble: i }),
  histogram: (i) => ({ timeUnixNano: String(i), count: "3", bucketCounts: ["1", "2"], explicitBounds: [i] }),
  exponentialHistogram: (i) => ({ timeUnixNano: String(i), count: "3", scale: 2, positive: { bucketCounts: ["3"] } }),
  summary: (i) => ({ timeUnixNano: String(i), count: "3", quantileValues: [{ quantile: 0.5, value: i }] }),
};

for (const kind of KINDS) {
  test(`cut metrics: one ${kind} of ${POINTS} data points is cut between its points, its description repeated`, () => {
    const dataPoints = Array.from({ length: POINTS }, (_, i) => POINT[kind](i));
    const metadata = [{ key: "k", value: { stringValue: "v" } }];
    const metric = { name: "m", description: "d", unit: "s", metadata, [kind]: { ...MORE[kind], dataPoints } };
    const other = { name: "other", gauge: { dataPoints: [{ asInt: "7" }] } };
    const scopes = [{ scope: { name: "library" }, metrics: [other, metric, other], schemaUrl: "u" }];
    const bytes = encodeRequest("metrics", {
      resourceMetrics: [{ resource: { droppedAttributesCount: 1 }, scopeMetrics: scopes }],
    });
    const limits = { bytes: 8_192, items: 8_192 };
    const parts = splitRequest("metrics", bytes, limits);
    assert.ok(parts);
    assertWhole("metrics", bytes, parts, limits);
    assert.ok(parts.length <= Math.ceil(bytes.length / limits.bytes) + 3, `${parts.length} parts`);
    const points = parts.reduce((sum, part) => sum + part.points, 0);
    assert.equal(points, POINTS + 2);
  });
}

test("cut metrics: fields that nobody knows go along with every part, in the metric and in its data", () => {
  const unknown = Uint8Array.of(0xa2, 0x1f, 0x01, 0x58); // field 500
  const points = [1, 2, 3].map((i) => wrap(0x0a, encodeMessage("NumberDataPoint", { asInt: String(i) })));
  const sum = wrap(0x3a, Buffer.concat([points[0]!, unknown, Uint8Array.of(0x10, 0x02), points[1]!, points[2]!]));
  const metric = Buffer.concat([unknown, sum, wrap(0x0a, Buffer.from("late name"))]);
  const bytes = wrap(0x0a, wrap(0x12, wrap(0x12, metric)));
  const parts = splitRequest("metrics", bytes, { bytes: 1, items: 1 });
  assert.equal(parts?.length, 3);
  for (const part of parts) {
    const twice = Buffer.from(part.bytes).toString("hex").split(Buffer.from(unknown).toString("hex")).length - 1;
    assert.equal(twice, 2);
  }
  assertWhole("metrics", bytes, parts, { bytes: 1, items: 1 });
});

test("cut metrics: what fits only when its lengths are written as short as they can be is one part that fits", () => {
  const points = [1, 2].map((i) => wrap(0x0a, encodeMessage("NumberDataPoint", { asInt: String(i) })));
  const metric = wrap(0x12, wrap(0x2a, Buffer.concat(points)));
  // The length of the scope takes three bytes, where one is enough.
  const scope = Buffer.concat([Uint8Array.of(0x12, 0x80 + metric.length, 0x80, 0), metric]);
  const bytes = wrap(0x0a, scope);
  const limits = { bytes: bytes.length - 2, items: 1 };
  const parts = splitRequest("metrics", bytes, limits);
  assert.deepEqual(
    parts?.map((part) => [part.bytes.length, part.items, part.points]),
    [[limits.bytes, 1, 2]],
  );
  assertWhole("metrics", bytes, parts, limits);
  assert.equal(splitRequest("metrics", bytes, { ...limits, bytes: bytes.length }), undefined);
});

test("cut: what surrounds the items is not repeated until it is many times the request", () => {
  const schemaUrl = "x".repeat(500_000);
  const spans = Array.from({ length: 5_000 }, (_, i) => ({ name: `${i}` }));
  const points = Array.from({ length: 5_000 }, () => ({}));
  const description = schemaUrl;
  const requests: [Signal, Plain][] = [
    ["traces", { resourceSpans: [{ schemaUrl, scopeSpans: [{ spans }] }] }],
    [
      "metrics",
      { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ description, gauge: { dataPoints: points } }] }] }] },
    ],
  ];
  for (const [signal, plain] of requests) {
    const bytes = encodeRequest(signal, plain);
    const parts = splitRequest(signal, bytes, { bytes: 16_384, items: 1 });
    assert.ok(parts);
    const sum = parts.reduce((total, part) => total + part.bytes.length, 0);
    assert.ok(sum <= 3 * Math.max(bytes.length, 1_048_576), `${sum} bytes of ${bytes.length}`);
    assert.equal(
      parts.reduce((total, part) => total + part.points, 0),
      5_000,
    );
  }
});

test("cut: nothing is cut that is malformed, or that fits", () => {
  const bytes = encodeRequest("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [{}, {}] }] }] });
  assert.equal(splitRequest("logs", bytes, { bytes: bytes.length, items: 2 }), undefined);
  assert.equal(splitRequest("logs", bytes.subarray(0, bytes.length - 1), { bytes: 1, items: 1 }), undefined);
  assert.equal(splitRequest("logs", bytes, { bytes: bytes.length, items: 1 })?.length, 2);
});

function wrap(tag: number, message: Uint8Array): Uint8Array {
  assert.ok(message.length < 128);
  return Buffer.concat([Uint8Array.of(tag, message.length), message]);
}
