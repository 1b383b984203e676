import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/**
 * What programs record with the OpenTelemetry SDK: every kind of value and every shape that it can
 * make.
 */
export interface SdkData {
  readonly spans: ReadableSpan[];
  readonly metrics: ResourceMetrics;
  readonly logs: ReadableLogRecord[];
}

const resource = resourceFromAttributes({
  "service.name": "checkout",
  "process.pid": 12,
  ratio: 0.5,
  tags: ["a", "b"],
});
const attributes = {
  text: "größe ☃ \u0000",
  whole: 7,
  large: 9_007_199_254_740_991,
  negative: -3,
  ratio: 0.1,
  yes: true,
  no: false,
  list: [1, 2],
  mixed: ["a", "b"],
  none: [],
  empty: "",
};
const other = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: TraceFlags.SAMPLED,
};

export async function recordSdkData(): Promise<SdkData> {
  return { spans: recordSpans(), metrics: await recordMetrics(), logs: recordLogs() };
}

function recordSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer("shop", "1.2.3", { schemaUrl: "https://opentelemetry.io/schemas/1.30.0" });
  const parent = tracer.startSpan("GET /cart", { kind: SpanKind.SERVER, attributes });
  const links = [{ context: other, attributes: { why: "retry" } }];
  const child = tracer.startSpan("query", { kind: SpanKind.CLIENT, links }, trace.setSpan(ROOT_CONTEXT, parent));
  child.addEvent("row", { index: 1 });
  child.setStatus({ code: SpanStatusCode.ERROR, message: "timeout" });
  child.end();
  provider.getTracer("other scope").startSpan("").end();
  parent.setStatus({ code: SpanStatusCode.OK });
  parent.end();
  return exporter.getFinishedSpans();
}

class ManualReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

async function recordMetrics(): Promise<ResourceMetrics> {
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
  await provider.shutdown();
  return resourceMetrics;
}

function recordLogs(): ReadableLogRecord[] {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("shop", "1.2.3");
  logger.emit({ body: "paid", severityNumber: SeverityNumber.INFO, severityText: "INFO", attributes });
  logger.emit({ body: { nested: { list: [1, "two", null, { three: 3 }], bytes: new Uint8Array([1, 2, 255]) } } });
  logger.emit({ eventName: "cart.cleared", body: "", context: trace.setSpanContext(ROOT_CONTEXT, other) });
  logger.emit({ eventName: "no body" });
  return exporter.getFinishedLogRecords();
}
