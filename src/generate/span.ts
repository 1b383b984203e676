import type { Random } from "../core/random.ts";
import { between, chance, oneOf } from "./chance.ts";
import type { ItemContext } from "./item-context.ts";
import { spanIdText, traceIdText } from "./id.ts";
import { double, integer, text, truth } from "./model.ts";
import type { KeyValue, Span } from "./model.ts";

interface Work {
  readonly name: string;
  readonly kind: number;
  readonly failed: boolean;
  readonly attributes: readonly KeyValue[];
}

const KIND = { internal: 1, server: 2, client: 3 } as const;
const THINGS = ["orders", "carts", "users", "items", "stock"];
const METHODS = ["GET", "GET", "GET", "POST", "PUT"];
const ERROR = 2;
const SAMPLED = 0x101;

/** One span with eight attributes of mixed kinds; one in fifty has failed. */
export function span(context: ItemContext): Span {
  const { random, source, number, traceNumber, baseNanos } = context;
  const startNanos = BigInt(between(random, 0, 500_000_000));
  const durationNanos = BigInt(between(random, 20_000, 400_000_000));
  const work = oneOf(random, WORKS)(random);
  return {
    traceId: traceIdText(source, traceNumber),
    spanId: spanIdText(source, number),
    parentSpanId: number === traceNumber ? "" : spanIdText(source, traceNumber),
    name: work.name,
    kind: work.kind,
    startTimeUnixNano: String(baseNanos + startNanos),
    endTimeUnixNano: String(baseNanos + startNanos + durationNanos),
    attributes: work.attributes,
    status: work.failed ? { code: ERROR, message: "upstream failed" } : { code: 0, message: "" },
    flags: SAMPLED,
  };
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
