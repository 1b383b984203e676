/**
 * The signals that Signalbox carries. A signal is a field: what differs between signals stands in
 * this table.
 */
export const SIGNALS = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof SIGNALS)[number];

interface SignalFacts {
  /** Position in SIGNALS, for arrays with one entry for each signal. */
  readonly index: number;
  /** The same as one bit, for sets of signals. */
  readonly bit: number;
  readonly grpcPath: string;
  readonly httpPath: string;
  /** What one item is called, singular. */
  readonly item: string;
  /** JSON name of the partial success field that counts rejected things. */
  readonly rejectedField: string;
}

function facts(signal: Signal, index: number, service: string, item: string, field: string): SignalFacts {
  return {
    index,
    bit: 1 << index,
    grpcPath: `/opentelemetry.proto.collector.${service}/Export`,
    httpPath: `/v1/${signal}`,
    item,
    rejectedField: field,
  };
}

/** Paths and names: OTLP specification 1.11, sections OTLP/gRPC and OTLP/HTTP. */
export const SIGNAL_FACTS: Readonly<Record<Signal, SignalFacts>> = {
  traces: facts("traces", 0, "trace.v1.TraceService", "span", "rejectedSpans"),
  metrics: facts("metrics", 1, "metrics.v1.MetricsService", "metric", "rejectedDataPoints"),
  logs: facts("logs", 2, "logs.v1.LogsService", "log record", "rejectedLogRecords"),
};

/** By gRPC path; undefined for a method that OTLP does not have. */
export function signalOfGrpcPath(path: string): Signal | undefined {
  return SIGNALS.find((signal) => SIGNAL_FACTS[signal].grpcPath === path);
}

/** By HTTP path without its query. */
export function signalOfHttpPath(path: string): Signal | undefined {
  return SIGNALS.find((signal) => SIGNAL_FACTS[signal].httpPath === path);
}
