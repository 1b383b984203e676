import assert from "node:assert/strict";
import { test } from "node:test";
import { hasMoreAttributes } from "../../src/otlp/attributes.ts";
import { indexItems, ItemIndex } from "../../src/otlp/items.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import { type Excess, NO_LIMITS, type RequestLimits } from "../../src/otlp/limits.ts";
import { Envelope, MAX_FIELDS, scanEnvelope } from "../../src/otlp/scan.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { WORKING_ENTRIES } from "../../src/otlp/slack.ts";
import { encodeRequest } from "../support/oracle/oracle.ts";
import { HOSTILE_JSON, HOSTILE_PROTOBUF } from "../support/hostile.ts";

/**
 * A quarter of the defaults, in a quarter of the largest request: what holds for these holds for
 * those, in a quarter of the time.
 */
const LIMITS: RequestLimits = {
  maxResources: 16_384,
  maxScopes: 16_384,
  maxItems: 250_000,
  maxPoints: 250_000,
  maxAttributes: 1_000_000,
  maxHops: 4,
};
const LARGEST_BYTES = 16 * 1_048_576;
/** Refused by the number of their fields, of which 16 million are always taken. */
const BY_FIELDS: ReadonlySet<string> = new Set([
  "values of one attribute",
  "integers of one value",
  "occurrences of a status",
  "kinds of a span",
  "groups in an item",
]);
const BYTES_BY_FIELDS = 36 * 1_048_576;
const LARGEST_JSON_BYTES = 4 * 1_048_576;

function excessOf(
  signal: Signal,
  bytes: Uint8Array,
  limits: RequestLimits,
  envelope = new Envelope(),
): Excess | undefined {
  envelope.limits = limits;
  if (!scanEnvelope(signal, bytes, envelope)) {
    assert.ok(envelope.excess !== undefined, envelope.problem);
    return envelope.excess;
  }
  return hasMoreAttributes(signal, bytes, limits.maxAttributes) ? "attributes" : undefined;
}

function entriesOf(envelope: Envelope): number {
  const { outerStart, bodyStart, end, resourceStart, resourceEnd, resourceTimes, items, points } = envelope;
  const all = [outerStart, bodyStart, end, resourceStart, resourceEnd, resourceTimes, items, points];
  return all.reduce((sum, { length }) => sum + length, envelope.extras.length);
}

for (const { name, signal, make, excess } of HOSTILE_PROTOBUF) {
  const bytes = BY_FIELDS.has(name) ? BYTES_BY_FIELDS : LARGEST_BYTES;
  test(`limits: ${bytes >> 20} MiB of ${name} are refused by their number, in little memory, of which nothing stays`, () => {
    const envelope = new Envelope();
    assert.equal(excessOf(signal, make(bytes - 64), LIMITS, envelope), excess);
    assert.ok(entriesOf(envelope) <= 16 * LIMITS.maxResources, String(entriesOf(envelope)));
    envelope.release();
    assert.ok(entriesOf(envelope) <= 8 * WORKING_ENTRIES, String(entriesOf(envelope)));
    assert.equal(envelope.bytes.length, 0);
  });
}

for (const { name, signal, make, excess } of HOSTILE_JSON) {
  test(`limits: 4 MiB of ${name} in JSON are ${excess === undefined ? "checked" : "refused before they are parsed"}`, () => {
    const result = transcode(signal, make(LARGEST_JSON_BYTES - 64), LIMITS);
    assert.equal(result.ok ? undefined : result.excess, excess);
  });
}

const span = { attributes: [{ key: "a", value: { arrayValue: { values: [{}, {}] } } }], events: [{}], links: [{}] };
const points = [{ attributes: [{ key: "a" }] }, {}, {}];
const plain = {
  traces: {
    resourceSpans: [{ scopeSpans: [{ spans: [span, span] }, { spans: [span] }] }, { scopeSpans: [{ spans: [span] }] }],
  },
  metrics: {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ gauge: { dataPoints: points } }, { sum: { dataPoints: points } }] }] },
    ],
  },
};

const exact: readonly (readonly [keyof RequestLimits, Excess, "traces" | "metrics", number])[] = [
  ["maxResources", "resources", "traces", 2],
  ["maxScopes", "scopes", "traces", 3],
  ["maxItems", "items", "traces", 4],
  ["maxItems", "items", "metrics", 2],
  ["maxPoints", "points", "metrics", 6],
  ["maxAttributes", "attributes", "traces", 20],
  ["maxAttributes", "attributes", "metrics", 2],
];

for (const [key, excess, signal, count] of exact) {
  test(`limits: ${count} ${excess} of ${signal} pass a limit of ${count}, in protobuf and JSON, and not one of ${count - 1}`, () => {
    const protobuf = encodeRequest(signal, plain[signal]);
    const json = Buffer.from(JSON.stringify(plain[signal]));
    for (const [limit, want] of [
      [count, undefined],
      [count - 1, excess],
    ] as const) {
      // What has no bytes for so many attributes is not counted: nothing is bounded by it but work.
      const filled = Buffer.concat([protobuf, Buffer.from([0x1a, 100]), Buffer.alloc(100)]);
      const limits = { ...NO_LIMITS, [key]: limit };
      assert.equal(excessOf(signal, filled, limits), want);
      const result = transcode(signal, json, limits);
      assert.equal(result.ok ? undefined : result.excess, want);
    }
  });
}

test("limits: fields around items that nobody knows are bounded, and those beside each other are one range", () => {
  const envelope = new Envelope();
  const unknown = Buffer.alloc(2 * MAX_FIELDS, Buffer.from("1a00", "hex"));
  assert.ok(scanEnvelope("traces", unknown, envelope));
  assert.deepEqual(envelope.extras, [0, unknown.length]);
  assert.equal(scanEnvelope("traces", Buffer.concat([unknown, Buffer.from("1a00", "hex")]), envelope), false);
  assert.equal(envelope.excess, "fields");
});

test("limits: arrays for many resources are given back at once, and kept where such requests follow each other", () => {
  const many = Buffer.alloc(4 * WORKING_ENTRIES, Buffer.from("0a00", "hex"));
  const envelope = new Envelope();
  const lengths = [many, many, many, Buffer.alloc(0), many].map((bytes) => {
    assert.ok(scanEnvelope("traces", bytes, envelope));
    envelope.release();
    return envelope.outerStart.length > WORKING_ENTRIES;
  });
  assert.deepEqual(lengths, [false, true, true, false, false]);
});

test("limits: arrays for many items and scopes are given back", () => {
  const items = Buffer.alloc(4 * WORKING_ENTRIES, Buffer.from("1200", "hex"));
  const body = Buffer.concat([Buffer.from([0x12, 0x80, 0x80, 0x04]), items, items]);
  assert.equal(items.length, 65_536);
  const index = new ItemIndex();
  indexItems(body, 0, body.length, index);
  assert.ok(index.items > WORKING_ENTRIES && index.scopes > WORKING_ENTRIES, `${index.items} ${index.scopes}`);
  index.release();
  assert.ok(index.end.length <= WORKING_ENTRIES && index.scopeEnd.length <= WORKING_ENTRIES);
});
