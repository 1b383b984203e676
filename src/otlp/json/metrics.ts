import { KEY_VALUE, RESOURCE, SCOPE } from "./common.ts";
import { choice, items, many, message, one, optional, packed } from "./message.ts";
import type { Field, Message } from "./message.ts";

const EXEMPLAR = message(
  "Exemplar",
  one(2, "timeUnixNano", "fixed64"),
  choice(3, "asDouble", "double"),
  one(4, "spanId", "span_id"),
  one(5, "traceId", "trace_id"),
  choice(6, "asInt", "sfixed64"),
  many(7, "filteredAttributes", KEY_VALUE),
);

const NUMBER_POINT = message(
  "NumberDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  choice(4, "asDouble", "double"),
  many(5, "exemplars", EXEMPLAR),
  choice(6, "asInt", "sfixed64"),
  many(7, "attributes", KEY_VALUE),
  one(8, "flags", "uint32"),
);

const HISTOGRAM_POINT = message(
  "HistogramDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  optional(5, "sum", "double"),
  packed(6, "bucketCounts", "fixed64"),
  packed(7, "explicitBounds", "double"),
  many(8, "exemplars", EXEMPLAR),
  many(9, "attributes", KEY_VALUE),
  one(10, "flags", "uint32"),
  optional(11, "min", "double"),
  optional(12, "max", "double"),
);

const BUCKETS = message("Buckets", one(1, "offset", "sint32"), packed(2, "bucketCounts", "uint64"));

const EXPONENTIAL_POINT = message(
  "ExponentialHistogramDataPoint",
  many(1, "attributes", KEY_VALUE),
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  optional(5, "sum", "double"),
  one(6, "scale", "sint32"),
  one(7, "zeroCount", "fixed64"),
  one(8, "positive", BUCKETS),
  one(9, "negative", BUCKETS),
  one(10, "flags", "uint32"),
  many(11, "exemplars", EXEMPLAR),
  optional(12, "min", "double"),
  optional(13, "max", "double"),
  one(14, "zeroThreshold", "double"),
);

const SUMMARY_POINT = message(
  "SummaryDataPoint",
  one(2, "startTimeUnixNano", "fixed64"),
  one(3, "timeUnixNano", "fixed64"),
  one(4, "count", "fixed64"),
  one(5, "sum", "double"),
  many(6, "quantileValues", message("ValueAtQuantile", one(1, "quantile", "double"), one(2, "value", "double"))),
  many(7, "attributes", KEY_VALUE),
  one(8, "flags", "uint32"),
);

const TEMPORALITY = one(2, "aggregationTemporality", "temporality");

const DATA: readonly Field[] = [
  choice(5, "gauge", message("Gauge", points(NUMBER_POINT))),
  choice(7, "sum", message("Sum", points(NUMBER_POINT), TEMPORALITY, one(3, "isMonotonic", "bool"))),
  choice(9, "histogram", message("Histogram", points(HISTOGRAM_POINT), TEMPORALITY)),
  choice(10, "exponentialHistogram", message("ExponentialHistogram", points(EXPONENTIAL_POINT), TEMPORALITY)),
  choice(11, "summary", message("Summary", points(SUMMARY_POINT))),
];

const METRIC = message(
  "Metric",
  one(1, "name", "string"),
  one(2, "description", "string"),
  one(3, "unit", "string"),
  ...DATA,
  many(12, "metadata", KEY_VALUE),
);

const SCOPE_METRICS = message(
  "ScopeMetrics",
  one(1, "scope", SCOPE),
  items(2, "metrics", METRIC, pointsOf),
  one(3, "schemaUrl", "string"),
);

/** opentelemetry.proto.collector.metrics.v1 and metrics.v1. */
export const METRICS_REQUEST = message(
  "ExportMetricsServiceRequest",
  many(
    1,
    "resourceMetrics",
    message(
      "ResourceMetrics",
      one(1, "resource", RESOURCE),
      many(2, "scopeMetrics", SCOPE_METRICS),
      one(3, "schemaUrl", "string"),
    ),
  ),
);

function points(of: Message): Field {
  return items(1, "dataPoints", of, () => 1);
}

/** Data points of a metric in JSON that is lost as a whole, as far as they can be told. */
function pointsOf(metric: unknown): number {
  let count = 0;
  for (const { name } of DATA) {
    const list = property(property(metric, name), "dataPoints");
    if (Array.isArray(list)) count += list.length;
  }
  return count;
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
