import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import type { ISerializer } from "@opentelemetry/otlp-transformer";
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { transcode } from "../../src/otlp/json/transcode.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";

const resource = resourceFromAttributes({
  "service.name": "checkout",
  "process.pid": 12,
  ratio: 0.5,
  tags: ["a", "b"],
});
const attributes = {
  text: "größe ☃",
  whole: 7,
  negative: -3,
  ratio: 0.1,
  yes: true,
  no: false,
  list: [1, 2],
  empty: "",
};

class ManualReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

test("JSON: spans of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer("shop", "1.2.3");
  const parent = tracer.startSpan("GET /cart", { kind: SpanKind.SERVER, attributes });
  const other = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
  };
  const links = [{ context: other, attributes: { why: "retry" } }];
  const child = tracer.startSpan("query", { kind: SpanKind.CLIENT, links }, trace.setSpan(ROOT_CONTEXT, parent));
  child.addEvent("row", { index: 1 });
  child.setStatus({ code: SpanStatusCode.ERROR, message: "timeout" });
  child.end();
  parent.end();
  assertSame("traces", JsonTraceSerializer, ProtobufTraceSerializer, exporter.getFinishedSpans());
});

test("JSON: metrics of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", async () => {
  const reader = new ManualReader();
  const aggregation = { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const;
  const provider = new MeterProvider({ resource, readers: [reader], views: [{ instrumentName: "size", aggregation }] });
  const meter = provider.getMeter("shop", "1.2.3");
  meter.createCounter("orders", { unit: "1", description: "placed" }).add(3, attributes);
  meter.createUpDownCounter("balance").add(-2.5);
  meter.createGauge("temperature").record(0);
  const duration = meter.createHistogram("duration", { unit: "ms" });
  const size = meter.createHistogram("size", { unit: "By" });
  for (const value of [0, 0.3, 17, 12_345]) {
    duration.record(value, { route: "/cart" });
    size.record(value);
  }
  const { resourceMetrics } = await reader.collect();
  assert.equal(resourceMetrics.scopeMetrics[0]?.metrics.length, 5);
  assertSame("metrics", JsonMetricsSerializer, ProtobufMetricsSerializer, resourceMetrics);
  await provider.shutdown();
});

test("JSON: log records of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", () => {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("shop", "1.2.3");
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
  };
  logger.emit({ body: "paid", severityNumber: SeverityNumber.INFO, severityText: "INFO", attributes });
  logger.emit({ body: { nested: { list: [1, "two", null, { three: 3 }], bytes: new Uint8Array([1, 2, 255]) } } });
  // Without a body the SDK itself differs: its JSON has an empty one, its protobuf none.
  logger.emit({ eventName: "cart.cleared", body: "", context: trace.setSpanContext(ROOT_CONTEXT, span) });
  assertSame("logs", JsonLogsSerializer, ProtobufLogsSerializer, exporter.getFinishedLogRecords());
});

function assertSame<T>(
  signal: Signal,
  json: ISerializer<T, unknown>,
  protobuf: ISerializer<T, unknown>,
  data: T,
): void {
  const text = json.serializeRequest(data);
  const bytes = protobuf.serializeRequest(data);
  assert.ok(text !== undefined && bytes !== undefined);
  const result = transcode(signal, text);
  assert.ok(result.ok);
  assert.equal(result.message, "");
  assert.ok(result.bytes.length > 100);
  assert.deepEqual(decodeRequest(signal, result.bytes), decodeRequest(signal, bytes));
}
