import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Exporters } from "./exporters.ts";

/**
 * Much later than any test ends: what is exported is exported by `flush`, or because a batch is
 * full.
 */
const NEVER_MS = 3_600_000;
const BATCH = {
  maxQueueSize: 100_000,
  maxExportBatchSize: 100,
  scheduledDelayMillis: NEVER_MS,
  exportTimeoutMillis: 20_000,
};

/** A program with the OpenTelemetry SDK as programs are set up: batching, for all three signals. */
export class SdkProgram implements AsyncDisposable {
  readonly #traces: BasicTracerProvider;
  readonly #metrics: MeterProvider;
  readonly #logs: LoggerProvider;

  constructor(service: string, { traces, metrics, logs }: Exporters) {
    const resource = resourceFromAttributes({ "service.name": service });
    this.#traces = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(traces, BATCH)] });
    const reader = new PeriodicExportingMetricReader({
      exporter: metrics,
      exportIntervalMillis: NEVER_MS,
      exportTimeoutMillis: 20_000,
    });
    this.#metrics = new MeterProvider({ resource, readers: [reader] });
    this.#logs = new LoggerProvider({
      resource,
      processors: [new BatchLogRecordProcessor({ exporter: logs, ...BATCH })],
    });
  }

  /** Records a span, a metric and a log record of each name. */
  record(names: readonly string[]): void {
    const tracer = this.#traces.getTracer("peer");
    const meter = this.#metrics.getMeter("peer");
    const logger = this.#logs.getLogger("peer");
    for (const name of names) {
      tracer.startSpan(name, { attributes: { name } }).end();
      meter.createCounter(name).add(1, { name });
      logger.emit({ body: name, attributes: { name } });
    }
  }

  /** Exports what was recorded, and waits for it. */
  async flush(): Promise<void> {
    await Promise.all([this.#traces.forceFlush(), this.#metrics.forceFlush(), this.#logs.forceFlush()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#traces.shutdown(), this.#metrics.shutdown(), this.#logs.shutdown()]);
  }
}
