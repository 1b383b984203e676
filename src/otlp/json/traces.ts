import { KEY_VALUE, RESOURCE, SCOPE } from "./common.ts";
import { items, many, message, one } from "./message.ts";

const EVENT = message(
  "Span.Event",
  one(1, "timeUnixNano", "fixed64"),
  one(2, "name", "string"),
  many(3, "attributes", KEY_VALUE),
  one(4, "droppedAttributesCount", "uint32"),
);

const LINK = message(
  "Span.Link",
  one(1, "traceId", "trace_id"),
  one(2, "spanId", "span_id"),
  one(3, "traceState", "string"),
  many(4, "attributes", KEY_VALUE),
  one(5, "droppedAttributesCount", "uint32"),
  one(6, "flags", "fixed32"),
);

const SPAN = message(
  "Span",
  one(1, "traceId", "trace_id"),
  one(2, "spanId", "span_id"),
  one(3, "traceState", "string"),
  one(4, "parentSpanId", "span_id"),
  one(5, "name", "string"),
  one(6, "kind", "span_kind"),
  one(7, "startTimeUnixNano", "fixed64"),
  one(8, "endTimeUnixNano", "fixed64"),
  many(9, "attributes", KEY_VALUE),
  one(10, "droppedAttributesCount", "uint32"),
  many(11, "events", EVENT),
  one(12, "droppedEventsCount", "uint32"),
  many(13, "links", LINK),
  one(14, "droppedLinksCount", "uint32"),
  one(15, "status", message("Status", one(2, "message", "string"), one(3, "code", "status_code"))),
  one(16, "flags", "fixed32"),
);

const SCOPE_SPANS = message(
  "ScopeSpans",
  one(1, "scope", SCOPE),
  items(2, "spans", SPAN, () => 1),
  one(3, "schemaUrl", "string"),
);

/** opentelemetry.proto.collector.trace.v1 and trace.v1. */
export const TRACES_REQUEST = message(
  "ExportTraceServiceRequest",
  many(
    1,
    "resourceSpans",
    message(
      "ResourceSpans",
      one(1, "resource", RESOURCE),
      many(2, "scopeSpans", SCOPE_SPANS),
      one(3, "schemaUrl", "string"),
    ),
  ),
);
