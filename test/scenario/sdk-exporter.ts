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
import { SIGNAL_FACTS, type Signal } from "../../src/otlp/signal.ts";
import type { SdkData } from "../support/sdk-data.ts";

/** How the SDK's exporters can be told to send. */
export const SDK_PROTOCOLS = ["grpc", "http/protobuf", "http/json"] as const;
export type SdkProtocol = (typeof SDK_PROTOCOLS)[number];

export interface SdkRoute {
  /** Scheme, host and port. */
  readonly url: string;
  readonly gzip?: boolean;
  /** The exporter tries again for as long as this; its first wait is a second. */
  readonly timeoutMillis?: number;
  /** PEM texts, for https. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
}

/**
 * Sends the data of one signal with the SDK's own exporter; throws what the exporter says of a
 * failure.
 */
export async function exportSdkData(
  signal: Signal,
  protocol: SdkProtocol,
  data: SdkData,
  route: SdkRoute,
): Promise<void> {
  switch (signal) {
    case "traces":
      return exportWith(exporterOf(protocol, signal, route, [GrpcTraces, ProtobufTraces, JsonTraces]), data.spans);
    case "metrics":
      return exportWith(exporterOf(protocol, signal, route, [GrpcMetrics, ProtobufMetrics, JsonMetrics]), data.metrics);
    case "logs":
      return exportWith(exporterOf(protocol, signal, route, [GrpcLogs, ProtobufLogs, JsonLogs]), data.logs);
  }
}

/** What all exporters have in common; the result's code is 0 for success. */
interface SdkExporter<Data> {
  export(data: Data, done: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
}

type GrpcOptions = NonNullable<ConstructorParameters<typeof GrpcTraces>[0]>;
type HttpOptions = NonNullable<ConstructorParameters<typeof JsonTraces>[0]>;
type Constructors<Data> = readonly [
  new (options: GrpcOptions) => SdkExporter<Data>,
  new (options: HttpOptions) => SdkExporter<Data>,
  new (options: HttpOptions) => SdkExporter<Data>,
];

function exporterOf<Data>(
  protocol: SdkProtocol,
  signal: Signal,
  { url, gzip = false, tls, timeoutMillis = 10_000 }: SdkRoute,
  [Grpc, Protobuf, Json]: Constructors<Data>,
): SdkExporter<Data> {
  const compression = gzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;
  if (protocol === "grpc") return new Grpc({ url, compression, timeoutMillis, credentials: credentialsOf(tls) });
  const Http = protocol === "http/json" ? Json : Protobuf;
  return new Http({
    url: `${url}${SIGNAL_FACTS[signal].httpPath}`,
    compression,
    timeoutMillis,
    ...(tls && { httpAgentOptions: tls }),
  });
}

function credentialsOf(tls: SdkRoute["tls"]): NonNullable<GrpcOptions["credentials"]> {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = tls;
  return credentials.createSsl(Buffer.from(ca), key ? Buffer.from(key) : null, cert ? Buffer.from(cert) : null);
}

async function exportWith<Data>(exporter: SdkExporter<Data>, data: Data): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  exporter.export(data, ({ code, error }) => (code === 0 ? resolve() : reject(error ?? new Error(`code ${code}`))));
  try {
    await promise;
  } finally {
    await exporter.shutdown();
  }
}
