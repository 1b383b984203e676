import { z } from "zod";
import { SimpleItemSchema } from "../plan/simple-item.ts";
import type { BodySpec } from "./route.ts";
import { type Json, schemaRef } from "./schemas.ts";

const ELEMENT_BYTES = 1_048_576;
/** As large as a config file may be. */
const DOCUMENT_BYTES = 16 * 1_048_576;
const SMALL_BYTES = 16_384;

/** One rule, pool or target. */
export function elementBody(schema: string): BodySpec {
  return { maxBytes: ELEMENT_BYTES, types: ["json", "yaml"], required: true, schema: schemaRef(schema) };
}

export const DOCUMENT_BODY: BodySpec = {
  maxBytes: DOCUMENT_BYTES,
  types: ["json", "yaml"],
  required: true,
  schema: schemaRef("Config"),
};

export const ROLLBACK_BODY: BodySpec = smallBody(
  { to: { type: "integer", minimum: 1, description: "The version whose document is to run again." } },
  ["to"],
);

export const OPERATOR_BODY: BodySpec = {
  ...smallBody(
    {
      for: {
        type: ["string", "number"],
        description: "A duration, after which it ends by itself: 10m, or milliseconds.",
      },
      note: { type: "string", maxLength: 500, description: "For people." },
    },
    [],
  ),
  required: false,
};

/** An export request of 4 MiB in base64, and something around it: it is read at once, while data waits. */
const EXPLAIN_BYTES = 6 * 1_048_576;

export const EXPLAIN_BODY: BodySpec = {
  maxBytes: EXPLAIN_BYTES,
  types: ["json"],
  required: true,
  schema: {
    type: "object",
    additionalProperties: false,
    description: "One of request, protobuf and item.",
    properties: {
      request: { type: "object", description: "An OTLP export request in JSON, or one span, metric or log record." },
      protobuf: { type: "string", contentEncoding: "base64", description: "An OTLP export request in protobuf." },
      item: simpleItemSchema(),
      signal: { enum: ["traces", "metrics", "logs"], description: "Where it cannot be seen." },
      region: { type: "string", description: "Of the listener that it would come in by; else that of the node." },
      headers: {
        type: "object",
        additionalProperties: { type: "string" },
        description: "Of the request that it would come in; names in any case.",
      },
      max_items: { type: "integer", minimum: 1, maximum: 1_000, default: 20, description: "So many are explained." },
    },
  },
};

function smallBody(properties: Json, required: readonly string[]): BodySpec {
  const schema = { type: "object", additionalProperties: false, required, properties };
  return { maxBytes: SMALL_BYTES, types: ["json", "yaml"], required: true, schema };
}

function simpleItemSchema(): Json {
  const { $schema: _schema, ...schema } = z.toJSONSchema(SimpleItemSchema, { io: "input", target: "draft-2020-12" });
  return { ...schema, description: "One item in a few words." };
}
