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

function smallBody(properties: Json, required: readonly string[]): BodySpec {
  const schema = { type: "object", additionalProperties: false, required, properties };
  return { maxBytes: SMALL_BYTES, types: ["json", "yaml"], required: true, schema };
}
