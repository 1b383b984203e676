import { type GenerateOptions, prepare } from "../../src/generate/generate.ts";
import type { PreparedRequest } from "../../src/generate/prepared.ts";
import { visitItems } from "../../src/generate/read-back.ts";

/** An Export request of spans as protobuf; about 373 bytes a span. */
export function generateTraces(options: GenerateOptions): Uint8Array {
  return prepare("traces", "protobuf", options).bytes;
}

/** An Export request of sums, gauges and histograms as protobuf. */
export function generateMetrics(options: GenerateOptions): Uint8Array {
  return prepare("metrics", "protobuf", options).bytes;
}

/** An Export request of log records as protobuf. */
export function generateLogs(options: GenerateOptions): Uint8Array {
  return prepare("logs", "protobuf", options).bytes;
}

/**
 * Spans, metrics or log records of any Export request, whatever is in them. Throws
 * MalformedProtobuf.
 */
export function countItems(bytes: Uint8Array): number {
  let items = 0;
  visitItems(bytes, () => items++);
  return items;
}

/** Owned: the same request in its own bytes. The places are shared. */
export function copyPrepared(prepared: PreparedRequest): PreparedRequest {
  return { ...prepared, bytes: new Uint8Array(prepared.bytes) };
}
