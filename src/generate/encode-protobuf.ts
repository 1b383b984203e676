import { Unreachable } from "../core/unreachable.ts";
import type {
  AnyValue,
  HistogramPoint,
  KeyValue,
  LogRecord,
  Metric,
  Model,
  NumberPoint,
  Scope,
  Span,
} from "./model.ts";
import * as wire from "./wire-writer.ts";

/** Protobuf bytes of a request. Field numbers: opentelemetry-proto 1.11. Meant for preparing requests, not for each one. */
export function encodeProtobuf(model: Model): Uint8Array {
  switch (model.signal) {
    case "traces":
      return wire.join(
        model.resourceSpans.map(({ resource, scopeSpans }) =>
          entry(
            resource.attributes,
            scopeSpans.map(({ scope, spans }) => scoped(scope, spans.map(spanBytes))),
          ),
        ),
      );
    case "metrics":
      return wire.join(
        model.resourceMetrics.map(({ resource, scopeMetrics }) =>
          entry(
            resource.attributes,
            scopeMetrics.map(({ scope, metrics }) => scoped(scope, metrics.map(metricBytes))),
          ),
        ),
      );
    case "logs":
      return wire.join(
        model.resourceLogs.map(({ resource, scopeLogs }) =>
          entry(
            resource.attributes,
            scopeLogs.map(({ scope, logRecords }) => scoped(scope, logRecords.map(logBytes))),
          ),
        ),
      );
    default:
      throw new Unreachable(model);
  }
}

/** ResourceSpans, ResourceMetrics or ResourceLogs: the same envelope. */
function entry(attributes: readonly KeyValue[], scopes: readonly Uint8Array[]): Uint8Array {
  return wire.message(1, [wire.message(1, keyValues(1, attributes)), ...scopes]);
}

function scoped(scope: Scope, items: readonly Uint8Array[]): Uint8Array {
  const head = wire.message(1, [wire.text(1, scope.name), wire.text(2, scope.version)]);
  return wire.message(2, [head, ...items.map((item) => wire.bytes(2, item))]);
}

function spanBytes(span: Span): Uint8Array {
  return wire.join([
    wire.hex(1, span.traceId),
    wire.hex(2, span.spanId),
    wire.hex(4, span.parentSpanId),
    wire.text(5, span.name),
    wire.varint(6, span.kind),
    wire.fixed64(7, BigInt(span.startTimeUnixNano)),
    wire.fixed64(8, BigInt(span.endTimeUnixNano)),
    ...keyValues(9, span.attributes),
    wire.message(15, [wire.text(2, span.status.message), wire.varint(3, span.status.code)]),
    wire.fixed32(16, span.flags),
  ]);
}

function logBytes(record: LogRecord): Uint8Array {
  return wire.join([
    wire.fixed64(1, BigInt(record.timeUnixNano)),
    wire.varint(2, record.severityNumber),
    wire.text(3, record.severityText),
    wire.message(5, [anyValue(record.body)]),
    ...keyValues(6, record.attributes),
    wire.hex(9, record.traceId),
    wire.hex(10, record.spanId),
    wire.fixed64(11, BigInt(record.observedTimeUnixNano)),
  ]);
}

function metricBytes(metric: Metric): Uint8Array {
  const { gauge, sum, histogram } = metric;
  const parts = [wire.text(1, metric.name), wire.text(3, metric.unit)];
  if (gauge !== undefined) parts.push(wire.message(5, gauge.dataPoints.map(numberPoint)));
  if (sum !== undefined) {
    const kind = [wire.varint(2, sum.aggregationTemporality), wire.varint(3, sum.isMonotonic ? 1 : 0)];
    parts.push(wire.message(7, [...sum.dataPoints.map(numberPoint), ...kind]));
  }
  if (histogram !== undefined) {
    const kind = wire.varint(2, histogram.aggregationTemporality);
    parts.push(wire.message(9, [...histogram.dataPoints.map(histogramPoint), kind]));
  }
  return wire.join(parts);
}

function numberPoint(point: NumberPoint): Uint8Array {
  return wire.message(1, [
    wire.fixed64(2, BigInt(point.startTimeUnixNano)),
    wire.fixed64(3, BigInt(point.timeUnixNano)),
    point.asDouble === undefined ? wire.fixed64(6, BigInt(point.asInt ?? "0")) : wire.double(4, point.asDouble),
    ...keyValues(7, point.attributes),
  ]);
}

function histogramPoint(point: HistogramPoint): Uint8Array {
  return wire.message(1, [
    wire.fixed64(2, BigInt(point.startTimeUnixNano)),
    wire.fixed64(3, BigInt(point.timeUnixNano)),
    wire.fixed64(4, BigInt(point.count)),
    wire.double(5, point.sum),
    wire.packedFixed64(6, point.bucketCounts.map(BigInt)),
    wire.packedDouble(7, point.explicitBounds),
    ...keyValues(9, point.attributes),
  ]);
}

function keyValues(field: number, list: readonly KeyValue[]): Uint8Array[] {
  return list.map(({ key, value }) => wire.message(field, [wire.text(1, key), wire.message(2, [anyValue(value)])]));
}

function anyValue(value: AnyValue): Uint8Array {
  // Inside a oneof a default value is written, too: it says which one is set.
  if ("stringValue" in value) return wire.bytes(1, wire.utf8(value.stringValue));
  if ("boolValue" in value) return wire.varintAlways(2, value.boolValue ? 1 : 0);
  if ("intValue" in value) return wire.varintAlways(3, BigInt.asUintN(64, BigInt(value.intValue)));
  if ("doubleValue" in value) return wire.double(4, value.doubleValue);
  return wire.message(
    5,
    value.arrayValue.values.map((entryValue) => wire.message(1, [anyValue(entryValue)])),
  );
}
