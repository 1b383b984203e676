import type { Signal } from "../../src/otlp/signal.ts";
import { decodeRequest, encodeRequest, type Plain } from "./oracle/oracle.ts";
import { resourcesOf, scopesOf } from "./oracle/walk.ts";
import type { SinkRequest } from "./sinks/sink-script.ts";

/**
 * An item as a test speaks of it. Its name is a span's or a metric's, and the body of a log record.
 */
export interface TestItem {
  readonly name: string;
  readonly service?: string;
  /** Of the resource. */
  readonly region?: string;
  /** Of the item; for metrics of its one data point. */
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** Of a log record. */
  readonly severity?: number;
}

/** A request with these items, each with a resource of its own. */
export function requestOf(signal: Signal, items: readonly TestItem[]): Uint8Array {
  const { resources, scopes, list } = LISTS[signal];
  const encode = ({ service, region, ...item }: TestItem): Plain => {
    const own = { ...(service !== undefined && { "service.name": service }), ...(region !== undefined && { region }) };
    return { resource: { attributes: attributesOf(own) }, [scopes]: [{ [list]: [itemOf(signal, item)] }] };
  };
  return encodeRequest(signal, { [resources]: items.map(encode) });
}

/** Names of the items in requests that sinks got, in order. */
export function namesIn(requests: readonly SinkRequest[]): string[] {
  return requests.flatMap(({ signal, body }) => (signal === undefined ? [] : namesOf(signal, body)));
}

/** Names of the items in one request, in order. */
export function namesOf(signal: Signal, body: Uint8Array): string[] {
  const scopes = resourcesOf(signal, decodeRequest(signal, body)).flatMap((resource) => scopesOf(signal, resource));
  return scopes.flatMap(({ items }) => items.map(({ plain }) => nameOf(plain)));
}

const LISTS: Readonly<Record<Signal, { resources: string; scopes: string; list: string }>> = {
  traces: { resources: "resourceSpans", scopes: "scopeSpans", list: "spans" },
  metrics: { resources: "resourceMetrics", scopes: "scopeMetrics", list: "metrics" },
  logs: { resources: "resourceLogs", scopes: "scopeLogs", list: "logRecords" },
};

function itemOf(signal: Signal, { name, attributes = {}, severity = 0 }: TestItem): Plain {
  const pairs = attributesOf(attributes);
  switch (signal) {
    case "traces":
      return { name, attributes: pairs };
    case "metrics":
      return { name, gauge: { dataPoints: [{ asInt: "1", attributes: pairs }] } };
    case "logs":
      return { body: { stringValue: name }, severityNumber: severity, attributes: pairs };
  }
}

function attributesOf(values: Readonly<Record<string, string | number>>): Plain[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}

function nameOf(item: Plain): string {
  if (typeof item["name"] === "string") return item["name"];
  const body = item["body"];
  const text = typeof body === "object" && "stringValue" in body ? body["stringValue"] : "";
  return typeof text === "string" ? text : "";
}
