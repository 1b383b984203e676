import { reasonOf } from "../core/errors.ts";
import { SEVERITY_NAMES, SPAN_KINDS, SPAN_STATUSES } from "../config/schema/condition.ts";
import { findMalformed } from "../otlp/check.ts";
import { transcode } from "../otlp/json/transcode.ts";
import { guessSignal } from "../otlp/guess-signal.ts";
import { type Signal, SIGNALS } from "../otlp/signal.ts";
import type { SimpleItem, SimpleValue } from "./simple-item.ts";

/** An export request that was read from what people gave. */
export type ExplainInput =
  | {
      readonly ok: true;
      readonly signal: Signal;
      /** Protobuf. */
      readonly bytes: Uint8Array;
      /** What was left out as malformed; empty when nothing was. */
      readonly note: string;
    }
  | { readonly ok: false; readonly message: string };

/**
 * Reads an OTLP export request in JSON or protobuf, or one span, metric or log record in OTLP's
 * JSON. `signal` says which when it cannot be seen; `around` is what a single item is put into.
 */
export function readExplainInput(body: Uint8Array, signal: Signal | undefined, around: SimpleItem = {}): ExplainInput {
  const first = body.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  if (first === undefined) return fail("there is nothing in it");
  if (first === BRACE) return readJson(body, signal, around);
  const known = signal ?? guessSignal(body);
  if (known === undefined) return fail("it is no JSON, and which signal it has as protobuf cannot be seen: say which");
  const at = findMalformed(known, body);
  if (at >= 0) return fail(`it is neither JSON nor a protobuf request of ${known}: malformed at byte ${at}`);
  return { ok: true, signal: known, bytes: body, note: "" };
}

/** An export request with one item, made from a few words. */
export function simpleRequest(item: SimpleItem): ExplainInput {
  const signal = item.signal ?? signalOf(item);
  return wrap(signal, JSON.stringify(plainOf(signal, item)), item);
}

const BRACE = 0x7b;

const FIELDS = {
  traces: { resources: "resourceSpans", scopes: "scopeSpans", items: "spans" },
  metrics: { resources: "resourceMetrics", scopes: "scopeMetrics", items: "metrics" },
  logs: { resources: "resourceLogs", scopes: "scopeLogs", items: "logRecords" },
} as const;

/** Fields that tell a single item apart, by signal. */
const TELLING: Readonly<Record<Signal, readonly string[]>> = {
  metrics: ["gauge", "sum", "histogram", "exponentialHistogram", "summary", "unit"],
  logs: ["severityNumber", "severityText", "body", "timeUnixNano", "observedTimeUnixNano", "eventName"],
  traces: ["spanId", "parentSpanId", "kind", "startTimeUnixNano", "endTimeUnixNano", "status", "events", "links"],
};

function readJson(body: Uint8Array, signal: Signal | undefined, around: SimpleItem): ExplainInput {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
  let root: object;
  try {
    root = JSON.parse(text) as object; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a JSON text that begins with a brace is an object
  } catch (cause) {
    return fail(`it is not valid JSON: ${reasonOf(cause)}`);
  }
  const requests = SIGNALS.filter((one) => FIELDS[one].resources in root);
  const [found] = requests;
  if (found !== undefined) {
    if (requests.length > 1) return fail("it has several signals; a request has one");
    if (signal !== undefined && signal !== found) return fail(`it is a request of ${found}, not of ${signal}`);
    return transcoded(found, body);
  }
  const known = signal ?? SIGNALS.find((one) => TELLING[one].some((field) => field in root)) ?? nameOnly(root);
  if (known === undefined) return fail(NO_REQUEST);
  return wrap(known, text, around);
}

const NO_REQUEST =
  "it is neither an export request (resourceSpans, resourceMetrics, resourceLogs) nor a span, metric or log record";

function nameOnly(root: object): Signal | undefined {
  return "traceId" in root || "name" in root ? "traces" : undefined;
}

/** `item` goes in as it is written, so that no digit is lost. */
function wrap(signal: Signal, item: string, { service, resource = {}, scope_name }: SimpleItem): ExplainInput {
  const { resources, scopes, items } = FIELDS[signal];
  const all = service === undefined ? resource : { "service.name": service, ...resource };
  const scope = JSON.stringify({ name: scope_name ?? "" });
  const head = `"resource":{"attributes":${JSON.stringify(attributesOf(all))}}`;
  const text = `{"${resources}":[{${head},"${scopes}":[{"scope":${scope},"${items}":[${item}]}]}]}`;
  return transcoded(signal, Buffer.from(text));
}

function transcoded(signal: Signal, body: Uint8Array): ExplainInput {
  const made = transcode(signal, body);
  if (!made.ok) return fail(made.path === "" ? made.message : `${made.path}: ${made.message}`);
  if (made.rejected > 0 && made.bytes.length === 0) return fail(made.message);
  return { ok: true, signal, bytes: made.bytes, note: made.message };
}

function fail(message: string): ExplainInput {
  return { ok: false, message };
}

function signalOf({ severity, metric_name }: SimpleItem): Signal {
  if (severity !== undefined) return "logs";
  return metric_name === undefined ? "traces" : "metrics";
}

function plainOf(signal: Signal, item: SimpleItem): object {
  const attributes = attributesOf(item.attributes ?? {});
  const trace = item.trace_id === undefined ? {} : { traceId: item.trace_id };
  switch (signal) {
    case "traces": {
      const kind = SPAN_KINDS.indexOf(item.span_kind ?? "unspecified");
      const code = SPAN_STATUSES.indexOf(item.span_status ?? "unset");
      return { name: item.span_name ?? "", ...trace, kind, status: { code }, attributes };
    }
    case "metrics":
      return { name: item.metric_name ?? "", gauge: { dataPoints: [{ asDouble: 1, attributes }] } };
    case "logs": {
      const { severity = 0 } = item;
      const severityNumber = typeof severity === "number" ? severity : SEVERITY_NAMES.indexOf(severity) + 1;
      return { severityNumber, ...trace, attributes };
    }
  }
}

function attributesOf(values: Readonly<Record<string, SimpleValue>>): object[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }));
}

function valueOf(value: SimpleValue): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "object") return { arrayValue: { values: value.map(valueOf) } };
  return Number.isInteger(value) ? { intValue: value.toFixed(0) } : { doubleValue: value };
}
