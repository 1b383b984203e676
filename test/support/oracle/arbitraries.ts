import * as fc from "fast-check";
import type { Signal } from "../../../src/otlp/signal.ts";
import { normalize, REQUEST_TYPE } from "./oracle.ts";
import type { Plain, PlainValue } from "./oracle.ts";

type Fields = Record<string, fc.Arbitrary<PlainValue>>;

/**
 * Requests as senders write them and as they could be: every kind of value, empty envelopes,
 * unicode; normal form.
 */
export function arbitraryRequest(signal: Signal): fc.Arbitrary<Plain> {
  return REQUESTS[signal].map((plain) => normalize(REQUEST_TYPE[signal], plain));
}

/** Any AnyValue, the empty one included, up to three levels deep. */
export function arbitraryAnyValue(): fc.Arbitrary<Plain> {
  return anyValue;
}

const unsigned64 = fc
  .oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0n, 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
  )
  .map(String);
const signed64 = fc
  .oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.constantFrom(0n, -1n, 2n ** 53n + 1n, -(2n ** 63n)))
  .map(String);
const nanos = fc.oneof(
  fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_900_000_000_000_000_000n }).map(String),
  unsigned64,
);
const unsigned32 = fc.oneof(fc.nat({ max: 300 }), fc.constantFrom(0, 0x7fffffff, 0x80000000, 0xffffffff));
const signed32 = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(0, -(2 ** 31), 2 ** 31 - 1));
const double = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1.5, Number.NaN, Infinity, -Infinity, 5e-324));
const text = fc.oneof(
  { arbitrary: fc.string({ maxLength: 12 }), weight: 4 },
  { arbitrary: fc.string({ unit: "binary", maxLength: 12 }), weight: 2 },
  { arbitrary: fc.constantFrom("", "GET /cart/{id}", "größe ☃ 🚦", "\u0000", "é".repeat(130)), weight: 2 },
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((value): Buffer => Buffer.from(value));
const traceId = idOf(16);
const spanId = idOf(8);

const { anyValue, keyValue } = fc.letrec<{ anyValue: Plain; keyValue: Plain }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: record({ stringValue: text }, "all"), weight: 6 },
    { arbitrary: record({ intValue: signed64 }, "all"), weight: 3 },
    { arbitrary: record({ boolValue: fc.boolean() }, "all"), weight: 2 },
    { arbitrary: record({ doubleValue: double }, "all"), weight: 2 },
    { arbitrary: record({ bytesValue: bytes }, "all"), weight: 1 },
    { arbitrary: fc.constant<Plain>({}), weight: 1 },
    { arbitrary: record({ arrayValue: record({ values: few(tie("anyValue"), 3) }) }, "all"), weight: 2 },
    { arbitrary: record({ kvlistValue: record({ values: few(tie("keyValue"), 3) }) }, "all"), weight: 2 },
  ),
  keyValue: fc.oneof(
    { arbitrary: record({ key: key(), value: tie("anyValue") }, "all"), weight: 5 },
    { arbitrary: record({ key: key(), value: tie("anyValue") }), weight: 1 },
  ),
}));

const attributes = few(keyValue, 4);
const entityRef = record({ schemaUrl: text, type: text, idKeys: few(text, 2), descriptionKeys: few(text, 2) });
const resource = record({ attributes, droppedAttributesCount: unsigned32, entityRefs: few(entityRef, 2) });
const scope = record({ name: text, version: text, attributes, droppedAttributesCount: unsigned32 });

const event = record({ timeUnixNano: nanos, name: text, attributes, droppedAttributesCount: unsigned32 });
const link = record({
  traceId,
  spanId,
  traceState: text,
  attributes,
  droppedAttributesCount: unsigned32,
  flags: unsigned32,
});
const span = record({
  traceId,
  spanId,
  parentSpanId: spanId,
  traceState: fc.oneof(text, fc.constantFrom("ot=th:8;rv:0123456789abcd", "vendor=1,ot=th:c")),
  name: text,
  kind: enumOf(5),
  startTimeUnixNano: nanos,
  endTimeUnixNano: nanos,
  attributes,
  droppedAttributesCount: unsigned32,
  events: few(event, 3),
  droppedEventsCount: unsigned32,
  links: few(link, 3),
  droppedLinksCount: unsigned32,
  status: record({ message: text, code: enumOf(2) }),
  flags: unsigned32,
});

const numberValue = fc.oneof(
  record({ asDouble: double }, "all"),
  record({ asInt: signed64 }, "all"),
  fc.constant<Plain>({}),
);
const exemplar = withOneof(
  record({ timeUnixNano: nanos, spanId, traceId, filteredAttributes: attributes }),
  numberValue,
);
const pointTimes = { startTimeUnixNano: nanos, timeUnixNano: nanos, attributes, flags: unsigned32 };
const numberPoint = withOneof(record({ ...pointTimes, exemplars: few(exemplar, 2) }), numberValue);
const optionalDoubles = { sum: double, min: double, max: double };
const histogramPoint = record({
  ...pointTimes,
  ...optionalDoubles,
  count: unsigned64,
  bucketCounts: few(unsigned64, 4),
  explicitBounds: few(double, 4),
  exemplars: few(exemplar, 2),
});
const buckets = record({ offset: signed32, bucketCounts: few(unsigned64, 4) });
const exponentialPoint = record({
  ...pointTimes,
  ...optionalDoubles,
  count: unsigned64,
  scale: signed32,
  zeroCount: unsigned64,
  positive: buckets,
  negative: buckets,
  exemplars: few(exemplar, 2),
  zeroThreshold: double,
});
const quantile = record({ quantile: double, value: double });
const summaryPoint = record({ ...pointTimes, count: unsigned64, sum: double, quantileValues: few(quantile, 3) });
const temporality = { aggregationTemporality: enumOf(2) };
const metricData = fc.oneof(
  record({ gauge: record({ dataPoints: few(numberPoint, 3) }) }, "all"),
  record({ sum: record({ dataPoints: few(numberPoint, 3), ...temporality, isMonotonic: fc.boolean() }) }, "all"),
  record({ histogram: record({ dataPoints: few(histogramPoint, 3), ...temporality }) }, "all"),
  record({ exponentialHistogram: record({ dataPoints: few(exponentialPoint, 3), ...temporality }) }, "all"),
  record({ summary: record({ dataPoints: few(summaryPoint, 3) }) }, "all"),
  fc.constant<Plain>({}),
);
const metric = withOneof(record({ name: text, description: text, unit: text, metadata: attributes }), metricData);

const logRecord = record({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: enumOf(24),
  severityText: text,
  body: anyValue,
  attributes,
  droppedAttributesCount: unsigned32,
  flags: unsigned32,
  traceId,
  spanId,
  eventName: text,
});

const REQUESTS: Readonly<Record<Signal, fc.Arbitrary<Plain>>> = {
  traces: envelope("Spans", "spans", span),
  metrics: envelope("Metrics", "metrics", metric),
  logs: envelope("Logs", "logRecords", logRecord),
};

function envelope(suffix: string, items: string, item: fc.Arbitrary<Plain>): fc.Arbitrary<Plain> {
  const scopes = record({ scope, [items]: few(item, 4), schemaUrl: text });
  const resources = record({ resource, [`scope${suffix}`]: few(scopes, 3), schemaUrl: text });
  return record({ [`resource${suffix}`]: few(resources, 3) });
}

/** Half of the records have every field, the others any subset. */
function record(fields: Fields, presence: "any" | "all" = "any"): fc.Arbitrary<Plain> {
  const full: fc.Arbitrary<Plain> = fc.record(fields);
  if (presence === "all") return full;
  return fc.oneof(full, fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Plain>);
}

function withOneof(base: fc.Arbitrary<Plain>, choice: fc.Arbitrary<Plain>): fc.Arbitrary<Plain> {
  return fc.tuple(base, choice).map(([fields, chosen]): Plain => ({ ...fields, ...chosen }));
}

function few(entry: fc.Arbitrary<PlainValue>, maxLength: number): fc.Arbitrary<PlainValue> {
  return fc.array(entry, { maxLength, size: "max" });
}

/** Known values, and what a newer sender could use. */
function enumOf(max: number): fc.Arbitrary<PlainValue> {
  return fc.oneof(
    { arbitrary: fc.nat({ max }), weight: 8 },
    { arbitrary: fc.constantFrom(max + 1, 1_000, -1), weight: 1 },
  );
}

function idOf(length: number): fc.Arbitrary<PlainValue> {
  const full = fc.uint8Array({ minLength: length, maxLength: length }).map((value): Buffer => Buffer.from(value));
  return fc.oneof({ arbitrary: full, weight: 6 }, { arbitrary: fc.constant(Buffer.alloc(0)), weight: 1 });
}

function key(): fc.Arbitrary<PlainValue> {
  return fc.oneof(fc.constantFrom("service.name", "http.route", "cloud.region", "k8s.pod.name"), text);
}
