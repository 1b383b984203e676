import { Unreachable } from "../core/unreachable.ts";
import { seededRandom } from "../core/random.ts";
import type { Random } from "../core/random.ts";
import type { Signal } from "../otlp/signal.ts";
import { encodeProtobuf } from "./encode-protobuf.ts";
import type { ItemContext } from "./item-context.ts";
import { logRecord } from "./log-record.ts";
import { metric } from "./metric.ts";
import type { Model, Scope } from "./model.ts";
import { resourceOf } from "./resource.ts";
import { span } from "./span.ts";

export interface GenerateOptions {
  /** Spans, metrics or log records in the request, shared out evenly over the resources. */
  readonly items: number;
  readonly resources: number;
  /** The resources take the services in turn, from `firstService` on. */
  readonly services: readonly string[];
  readonly firstService?: number;
  /** The same seed and options give the same bytes. */
  readonly seed: number;
  /** Who generates (1 to 65,535), and the running number of the first item. Default 1 and 0. */
  readonly source?: number;
  readonly firstNumber?: number;
  /** Milliseconds since 1970 at which the first item happens; the others within a second of it. */
  readonly wallMs: number;
}

/** Items of one trace that follow each other. */
export const ITEMS_PER_TRACE = 5;

/** An Export request of spans as protobuf; about 373 bytes a span. */
export function generateTraces(options: GenerateOptions): Uint8Array {
  return encodeProtobuf(modelOf("traces", options));
}

/** An Export request of sums, gauges and histograms as protobuf. */
export function generateMetrics(options: GenerateOptions): Uint8Array {
  return encodeProtobuf(modelOf("metrics", options));
}

/** An Export request of log records as protobuf. */
export function generateLogs(options: GenerateOptions): Uint8Array {
  return encodeProtobuf(modelOf("logs", options));
}

/** The same request as an object: `encodeProtobuf` or `encodeJson` make bytes of it. */
export function modelOf(signal: Signal, options: GenerateOptions): Model {
  const random = seededRandom(options.seed);
  switch (signal) {
    case "traces":
      return {
        signal,
        resourceSpans: perResource(options, random, (resource, make) => ({
          resource,
          scopeSpans: [{ scope: SCOPE, spans: make(span) }],
        })),
      };
    case "metrics":
      return {
        signal,
        resourceMetrics: perResource(options, random, (resource, make) => ({
          resource,
          scopeMetrics: [{ scope: SCOPE, metrics: make(metric) }],
        })),
      };
    case "logs":
      return {
        signal,
        resourceLogs: perResource(options, random, (resource, make) => ({
          resource,
          scopeLogs: [{ scope: SCOPE, logRecords: make(logRecord) }],
        })),
      };
    default:
      throw new Unreachable(signal);
  }
}

const SCOPE: Scope = { name: "signalbox.generate", version: "1.0.0" };

type MakeItems = <Item>(make: (context: ItemContext) => Item) => Item[];

function perResource<Entry>(
  options: GenerateOptions,
  random: Random,
  entry: (resource: ReturnType<typeof resourceOf>, make: MakeItems) => Entry,
): Entry[] {
  const entries: Entry[] = [];
  const count = Math.max(1, Math.min(options.resources, options.items));
  const source = options.source ?? 1;
  const baseNanos = BigInt(Math.floor(options.wallMs)) * 1_000_000n;
  let number = options.firstNumber ?? 0;
  for (let i = 0; i < count; i++) {
    const service = options.services[((options.firstService ?? 0) + i) % options.services.length] ?? "unknown_service";
    const items = Math.floor((options.items * (i + 1)) / count) - Math.floor((options.items * i) / count);
    const first = number;
    number += items;
    const make: MakeItems = (makeItem) =>
      Array.from({ length: items }, (_, at) =>
        makeItem({ random, source, number: first + at, traceNumber: first + at - (at % ITEMS_PER_TRACE), baseNanos }),
      );
    entries.push(entry(resourceOf(service, random), make));
  }
  return entries;
}
