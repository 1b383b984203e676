import assert from "node:assert/strict";
import { test } from "node:test";
import type { ISerializer } from "@opentelemetry/otlp-transformer";
import {
  JsonLogsSerializer,
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufLogsSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from "@opentelemetry/otlp-transformer";
import { transcodeDirect } from "../../src/otlp/json/direct.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { recordSdkData } from "../support/sdk-data.ts";

const recorded = await recordSdkData();

test("JSON: spans of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", () => {
  assert.equal(recorded.spans.length, 3);
  assertSame("traces", JsonTraceSerializer, ProtobufTraceSerializer, recorded.spans);
});

test("JSON: metrics of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", () => {
  assert.equal(recorded.metrics.scopeMetrics[0]?.metrics.length, 5);
  assertSame("metrics", JsonMetricsSerializer, ProtobufMetricsSerializer, recorded.metrics);
});

test("JSON: log records of the OpenTelemetry SDK mean the same in its JSON and in its protobuf", () => {
  // Without a body the SDK itself differs: its JSON has an empty one, its protobuf none.
  const logs = recorded.logs.filter(({ body }) => body !== undefined);
  assert.equal(logs.length, 3);
  assertSame("logs", JsonLogsSerializer, ProtobufLogsSerializer, logs);
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
  assert.ok(transcodeDirect(signal, text) !== undefined, "it needs no objects");
  const result = transcode(signal, text);
  assert.ok(result.ok);
  assert.equal(result.message, "");
  assert.ok(result.bytes.length > 100);
  assert.deepEqual(decodeRequest(signal, result.bytes), decodeRequest(signal, bytes));
}
