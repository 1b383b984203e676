import type { Random } from "../core/random.ts";
import { FieldSlot, type Value } from "./encode.ts";
import { SEQUENCE_KEY } from "./running-number.ts";

/**
 * Where in the request an item is: its place among all, and that of the first item of its trace.
 */
interface ItemPlace {
  readonly item: number;
  readonly traceItem: number;
}

const KIND = { internal: 1, server: 2, client: 3 } as const;
const THINGS = ["orders", "carts", "users", "items", "stock"];
const METHODS = ["GET", "GET", "GET", "POST", "PUT"];
const ERROR = 2;
/** W3C trace flags and more: sampled, of a parent in the same process or none. */
const SAMPLED = 0x101;

/** One span with eight attributes of mixed kinds; one in fifty has failed. */
export function span(random: Random, { item, traceItem }: ItemPlace): Value {
  const startNanos = between(random, 0, 500_000_000);
  const durationNanos = between(random, 20_000, 400_000_000);
  const { name, kind, failed, attributes } = oneOf(random, WORKS)(random);
  return {
    traceId: new FieldSlot("trace", traceItem),
    spanId: new FieldSlot("number", item),
    parentSpanId: item === traceItem ? undefined : new FieldSlot("number", traceItem),
    name,
    kind,
    startTimeUnixNano: new FieldSlot("time", startNanos),
    endTimeUnixNano: new FieldSlot("time", startNanos + durationNanos),
    attributes,
    status: failed ? { code: ERROR, message: "upstream failed" } : {},
    flags: SAMPLED,
  };
}

interface Work {
  readonly name: string;
  readonly kind: number;
  readonly failed: boolean;
  readonly attributes: readonly Value[];
}

const WORKS = [httpServer, httpServer, httpClient, database, internal];

function httpServer(random: Random): Work {
  const thing = oneOf(random, THINGS);
  const method = oneOf(random, METHODS);
  const failed = chance(random, 0.02);
  return {
    name: `${method} /api/v1/${thing}/{id}`,
    kind: KIND.server,
    failed,
    attributes: [
      text("http.request.method", method),
      integer("http.response.status_code", failed ? 503 : oneOf(random, [200, 200, 200, 201, 404])),
      text("url.path", `/api/v1/${thing}/${between(random, 10_000_000, 99_999_999)}`),
      text("http.route", `/api/v1/${thing}/{id}`),
      text("client.address", `2001:db8:10::${between(random, 1_000, 9_999)}:${between(random, 1_000, 9_999)}`),
      text("server.address", `${thing}.shop.internal`),
      truth("app.cache.hit", chance(random, 0.5)),
      double("app.queue.time_ms", between(random, 0, 1_000) / 8),
    ],
  };
}

function httpClient(random: Random): Work {
  const thing = oneOf(random, THINGS);
  const method = oneOf(random, METHODS);
  const failed = chance(random, 0.02);
  return {
    name: `${method} ${thing}-service`,
    kind: KIND.client,
    failed,
    attributes: [
      text("http.request.method", method),
      integer("http.response.status_code", failed ? 502 : 200),
      text("url.full", `http://${thing}.internal:8080/api/v1/${thing}/${between(random, 1_000, 99_999)}`),
      text("server.address", `${thing}.internal`),
      integer("server.port", 8_080),
      integer("http.request.resend_count", 0),
      text("network.protocol.version", "1.1"),
      double("app.connect.time_ms", between(random, 0, 1_000) / 8),
    ],
  };
}

function database(random: Random): Work {
  const thing = oneOf(random, THINGS);
  return {
    name: `SELECT shop.${thing}`,
    kind: KIND.client,
    failed: chance(random, 0.02),
    attributes: [
      text("db.system.name", "postgresql"),
      text("db.namespace", "shop"),
      text("db.collection.name", thing),
      text("db.operation.name", "SELECT"),
      text("db.query.text", `SELECT * FROM ${thing} WHERE id = $1 AND deleted = $2`),
      integer("db.response.returned_rows", between(random, 0, 500)),
      text("server.address", "orders-primary.db.internal"),
      integer("server.port", 5_432),
    ],
  };
}

function internal(random: Random): Work {
  const thing = oneOf(random, THINGS);
  return {
    name: `compute ${thing} totals`,
    kind: KIND.internal,
    failed: chance(random, 0.02),
    attributes: [
      text("code.function.name", `shop.${thing}.Totals.compute`),
      text("code.file.path", `/srv/app/packages/shop/src/${thing}/totals.ts`),
      integer("code.line.number", between(random, 10, 400)),
      integer("thread.id", between(random, 1, 64)),
      text("thread.name", `http-nio-8080-exec-worker-${between(random, 1, 64)}`),
      integer("app.rows", between(random, 0, 100_000)),
      truth("app.retry", chance(random, 0.1)),
      double("app.cpu.time_ms", between(random, 0, 1_000) / 8),
    ],
  };
}

const SEVERITIES = [
  { number: 5, text: "DEBUG" },
  { number: 9, text: "INFO" },
  { number: 9, text: "INFO" },
  { number: 9, text: "INFO" },
  { number: 9, text: "INFO" },
  { number: 13, text: "WARN" },
  { number: 17, text: "ERROR" },
];
const BODIES = [
  "request finished",
  "order could not be placed: the payment provider did not answer in time",
  "cache refreshed",
  "connection pool is nearly exhausted, waiting for a free connection",
  "user session renewed",
];
const LOGGERS = ["http.access", "shop.orders", "shop.payments", "db.pool"];

/** One log record that belongs to a span of the same running number; more than half are INFO. */
export function logRecord(random: Random, { item, traceItem }: ItemPlace): Value {
  const nanos = between(random, 0, 900_000_000);
  const severity = oneOf(random, SEVERITIES);
  return {
    timeUnixNano: new FieldSlot("time", nanos),
    severityNumber: severity.number,
    severityText: severity.text,
    body: { stringValue: oneOf(random, BODIES) },
    attributes: [
      text("logger.name", oneOf(random, LOGGERS)),
      text("thread.name", `worker-${between(random, 1, 64)}`),
      integer("http.response.status_code", oneOf(random, [200, 200, 404, 503])),
      integer("app.duration_ms", between(random, 0, 2_000)),
    ],
    traceId: new FieldSlot("trace", traceItem),
    spanId: new FieldSlot("number", item),
    observedTimeUnixNano: new FieldSlot("time", nanos + 1_000_000),
  };
}

/** Data points of one metric: what partial_success counts is three times what items are. */
export const POINTS_PER_METRIC = 3;

const BOUNDS = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000];
const ROUTES = ["/api/v1/orders/{id}", "/api/v1/carts/{id}", "/api/v1/users/{id}", "/healthz"];
const CUMULATIVE = 2;

/** A sum, a gauge or a histogram in turn; its first point carries the running number. */
export function metric(random: Random, { item }: ItemPlace): Value {
  const points = Array.from({ length: POINTS_PER_METRIC }, (_, i) => dataPoint(random, item, i === 0));
  switch (item % 3) {
    case 0: {
      const sum = { dataPoints: points, aggregationTemporality: CUMULATIVE, isMonotonic: true };
      return { name: "http.server.request.count", unit: "{request}", sum };
    }
    case 1:
      return { name: "process.cpu.utilization", unit: "1", gauge: { dataPoints: points } };
    default: {
      const histogram = { dataPoints: points, aggregationTemporality: CUMULATIVE };
      return { name: "http.server.request.duration", unit: "ms", histogram };
    }
  }
}

function dataPoint(random: Random, item: number, isFirst: boolean): Value {
  const attributes = [text("http.route", oneOf(random, ROUTES)), text("http.request.method", "GET")];
  if (isFirst) attributes.push({ key: SEQUENCE_KEY, value: { stringValue: new FieldSlot("number", item) } });
  const endNanos = between(random, 0, 900_000_000);
  const head = {
    attributes,
    startTimeUnixNano: new FieldSlot("time", 0),
    timeUnixNano: new FieldSlot("time", endNanos),
  };
  switch (item % 3) {
    case 0:
      return { ...head, asInt: String(between(random, 0, 1_000_000)) };
    case 1:
      return { ...head, asDouble: between(random, 0, 1_000) / 1_000 };
    default: {
      const buckets = Array.from({ length: BOUNDS.length + 1 }, () => between(random, 0, 50));
      const count = buckets.reduce((sum, bucket) => sum + bucket, 0);
      return {
        ...head,
        count: String(count),
        sum: count * 40.5,
        bucketCounts: buckets.map(String),
        explicitBounds: BOUNDS,
      };
    }
  }
}

const REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "ap-south-1"];
const LANGUAGES = ["go", "java", "nodejs", "python"];

/** A resource of eight attributes, as SDKs in a cloud send it. */
export function resourceOf(random: Random, service: string): Value {
  const host = between(random, 1, 40);
  return {
    attributes: [
      text("service.name", service),
      text("service.namespace", "shop"),
      text("service.version", `1.${between(random, 0, 9)}.${between(random, 0, 9)}`),
      text("service.instance.id", `${service}-${between(random, 10_000, 99_999)}`),
      text("deployment.environment.name", "production"),
      text("host.name", `ip-10-0-${host}-${between(random, 1, 254)}`),
      text("cloud.region", oneOf(random, REGIONS)),
      text("telemetry.sdk.language", oneOf(random, LANGUAGES)),
    ],
  };
}

function text(key: string, value: string): Value {
  return { key, value: { stringValue: value } };
}

function integer(key: string, value: number): Value {
  return { key, value: { intValue: String(value) } };
}

function double(key: string, value: number): Value {
  return { key, value: { doubleValue: value } };
}

function truth(key: string, value: boolean): Value {
  return { key, value: { boolValue: value } };
}

/** An integer within [from, to]. */
function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random.next() * (to - from + 1));
}

/** One of the list, which must not be empty. */
function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random.next() * list.length)]!;
}

/** True in `share` of the cases. */
function chance(random: Random, share: number): boolean {
  return random.next() < share;
}
