import { ANY_VALUE, KEY_VALUE, RESOURCE, SCOPE } from "./common.ts";
import { items, many, message, one } from "./message.ts";

const LOG_RECORD = message(
  "LogRecord",
  one(1, "timeUnixNano", "fixed64"),
  one(2, "severityNumber", "severity_number"),
  one(3, "severityText", "string"),
  one(5, "body", ANY_VALUE),
  many(6, "attributes", KEY_VALUE),
  one(7, "droppedAttributesCount", "uint32"),
  one(8, "flags", "fixed32"),
  one(9, "traceId", "trace_id"),
  one(10, "spanId", "span_id"),
  one(11, "observedTimeUnixNano", "fixed64"),
  one(12, "eventName", "string"),
);

const SCOPE_LOGS = message(
  "ScopeLogs",
  one(1, "scope", SCOPE),
  items(2, "logRecords", LOG_RECORD, () => 1),
  one(3, "schemaUrl", "string"),
);

/** opentelemetry.proto.collector.logs.v1 and logs.v1. */
export const LOGS_REQUEST = message(
  "ExportLogsServiceRequest",
  many(
    1,
    "resourceLogs",
    message(
      "ResourceLogs",
      one(1, "resource", RESOURCE),
      many(2, "scopeLogs", SCOPE_LOGS),
      one(3, "schemaUrl", "string"),
    ),
  ),
);
