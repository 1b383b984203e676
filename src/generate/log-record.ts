import { between, oneOf } from "./chance.ts";
import type { ItemContext } from "./item-context.ts";
import { spanIdText, traceIdText } from "./id.ts";
import { integer, text } from "./model.ts";
import type { LogRecord } from "./model.ts";

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
export function logRecord(context: ItemContext): LogRecord {
  const { random, source, number, traceNumber, baseNanos } = context;
  const nanos = baseNanos + BigInt(between(random, 0, 900_000_000));
  const severity = oneOf(random, SEVERITIES);
  return {
    timeUnixNano: String(nanos),
    severityNumber: severity.number,
    severityText: severity.text,
    body: { stringValue: oneOf(random, BODIES) },
    attributes: [
      text("logger.name", oneOf(random, LOGGERS)),
      text("thread.name", `worker-${between(random, 1, 64)}`),
      integer("http.response.status_code", oneOf(random, [200, 200, 404, 503])),
      integer("app.duration_ms", between(random, 0, 2_000)),
    ],
    traceId: traceIdText(source, traceNumber),
    spanId: spanIdText(source, number),
    observedTimeUnixNano: String(nanos + 1_000_000n),
  };
}
