import { credentials } from "@grpc/grpc-js";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { CompressionAlgorithm } from "@opentelemetry/otlp-exporter-base";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import { SIGNAL_FACTS, type Signal } from "../../../src/otlp/signal.ts";

export const SDK_PROTOCOLS = ["grpc", "http/protobuf", "http/json"] as const;
export type SdkProtocol = (typeof SDK_PROTOCOLS)[number];

/** The SDK's own exporters of one program. */
export interface Exporters {
  readonly traces: SpanExporter;
  readonly metrics: PushMetricExporter;
  readonly logs: LogRecordExporter;
}

/** Exporters to a node's listener of that protocol, `host:port`. They try again for ten seconds. */
export function exportersTo(protocol: SdkProtocol, address: string, gzip: boolean): Exporters {
  const shared = { compression: gzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE, timeoutMillis: 10_000 };
  const over = (signal: Signal): typeof shared & { url: string } => {
    return { ...shared, url: `http://${address}${SIGNAL_FACTS[signal].httpPath}` };
  };
  switch (protocol) {
    case "grpc": {
      const options = { ...shared, url: `http://${address}`, credentials: credentials.createInsecure() };
      return { traces: new GrpcTraces(options), metrics: new GrpcMetrics(options), logs: new GrpcLogs(options) };
    }
    case "http/protobuf":
      return {
        traces: new ProtobufTraces(over("traces")),
        metrics: new ProtobufMetrics(over("metrics")),
        logs: new ProtobufLogs(over("logs")),
      };
    case "http/json":
      return {
        traces: new JsonTraces(over("traces")),
        metrics: new JsonMetrics(over("metrics")),
        logs: new JsonLogs(over("logs")),
      };
  }
}
