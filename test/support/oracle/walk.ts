/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import { type Seen, UNSEEN } from "../../../src/otlp/any-value.ts";
import type { Signal } from "../../../src/otlp/signal.ts";
import type { Plain, PlainValue } from "./oracle.ts";

/** Names of the envelope's lists, by signal. */
const LISTS: Readonly<Record<Signal, readonly [string, string, string]>> = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
};

export interface PlainItem {
  readonly plain: Plain;
  /** Data points of a metric, 1 otherwise. */
  readonly points: number;
}

export interface PlainScope {
  readonly name: string;
  readonly items: readonly PlainItem[];
  /** Name of the list that the items stand in. */
  readonly itemList: string;
}

export function list(value: PlainValue | undefined): Plain[] {
  return (value ?? []) as Plain[];
}

/** All resource_x messages of a decoded request. */
export function resourcesOf(signal: Signal, request: Plain): Plain[] {
  return list(request[LISTS[signal][0]]);
}

/** All scopes of a decoded resource_x message, with their items. */
export function scopesOf(signal: Signal, resource: Plain): PlainScope[] {
  return list(resource[LISTS[signal][1]]).map((scope) => ({
    name: String((scope["scope"] as Plain | undefined)?.["name"] ?? ""),
    itemList: LISTS[signal][2],
    items: list(scope[LISTS[signal][2]]).map((plain) => ({
      plain,
      points: signal === "metrics" ? pointsOf(plain) : 1,
    })),
  }));
}

/** The data points of a decoded metric. */
export function dataPointsOf(metric: Plain): Plain[] {
  const kinds = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
  const data = kinds.map((kind) => metric[kind] as Plain | undefined).find((value) => value !== undefined);
  return list(data?.["dataPoints"]);
}

function pointsOf(metric: Plain): number {
  return dataPointsOf(metric).length;
}

/** The attributes of a decoded resource or item as rules see them: of one key the first counts. */
export function attributesOf(holder: PlainValue | undefined): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  for (const pair of list((holder as Plain | undefined)?.["attributes"])) {
    const key = String(pair["key"] ?? "");
    if (!seen.has(key)) seen.set(key, seenOf((pair["value"] ?? {}) as Plain));
  }
  return seen;
}

/** A decoded AnyValue as rules see it. */
export function seenOf(value: Plain): Seen {
  if (value["stringValue"] !== undefined) return value["stringValue"] as string;
  if (value["boolValue"] !== undefined) return value["boolValue"] as boolean;
  if (value["doubleValue"] !== undefined) return value["doubleValue"] as number;
  if (value["intValue"] !== undefined) {
    const exact = BigInt(value["intValue"] as string);
    return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
  }
  if (value["arrayValue"] === undefined) return UNSEEN;
  return list((value["arrayValue"] as Plain)["values"]).map(seenOf);
}

export function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString("utf8");
}
