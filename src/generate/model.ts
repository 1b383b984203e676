/**
 * OTLP requests as objects, in the shape of OTLP/JSON (opentelemetry-proto 1.11, docs/specification.md "JSON Protobuf
 * Encoding"): ids are hex, 64-bit numbers are decimal texts, enums are numbers. Only what the generator uses.
 */
export type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly AnyValue[] } };

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface Resource {
  readonly attributes: readonly KeyValue[];
}

export interface Scope {
  readonly name: string;
  readonly version: string;
}

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly status: { readonly code: number; readonly message: string };
  /** W3C trace flags and more: 0x101 is sampled, of a parent in the same process or none. */
  readonly flags: number;
}

export interface LogRecord {
  readonly timeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly body: AnyValue;
  readonly attributes: readonly KeyValue[];
  readonly traceId: string;
  readonly spanId: string;
  readonly observedTimeUnixNano: string;
}

export interface NumberPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly asDouble?: number;
}

export interface HistogramPoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly count: string;
  readonly sum: number;
  readonly bucketCounts: readonly string[];
  readonly explicitBounds: readonly number[];
}

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly NumberPoint[] };
  readonly sum?: {
    readonly dataPoints: readonly NumberPoint[];
    readonly aggregationTemporality: number;
    readonly isMonotonic: boolean;
  };
  readonly histogram?: { readonly dataPoints: readonly HistogramPoint[]; readonly aggregationTemporality: number };
}

/** One Export request: exactly one of the three. */
export type Model =
  | {
      readonly signal: "traces";
      readonly resourceSpans: readonly {
        readonly resource: Resource;
        readonly scopeSpans: readonly { readonly scope: Scope; readonly spans: readonly Span[] }[];
      }[];
    }
  | {
      readonly signal: "metrics";
      readonly resourceMetrics: readonly {
        readonly resource: Resource;
        readonly scopeMetrics: readonly { readonly scope: Scope; readonly metrics: readonly Metric[] }[];
      }[];
    }
  | {
      readonly signal: "logs";
      readonly resourceLogs: readonly {
        readonly resource: Resource;
        readonly scopeLogs: readonly { readonly scope: Scope; readonly logRecords: readonly LogRecord[] }[];
      }[];
    };

export function text(key: string, value: string): KeyValue {
  return { key, value: { stringValue: value } };
}

export function integer(key: string, value: number): KeyValue {
  return { key, value: { intValue: String(value) } };
}

export function double(key: string, value: number): KeyValue {
  return { key, value: { doubleValue: value } };
}

export function truth(key: string, value: boolean): KeyValue {
  return { key, value: { boolValue: value } };
}
