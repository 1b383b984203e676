import { z } from "zod";
import { ConfigSchema } from "./schema/config.ts";

/** JSON Schema (2020-12) of what people write: for editors, and for the reference. */
export function configJsonSchema(): object {
  return jsonSchemaOf(ConfigSchema);
}

/** The same for another schema. */
export function jsonSchemaOf(written: z.ZodType): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(written, {
    io: "input",
    target: "draft-2020-12",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // JSON has no bigint: it is a whole number like any other.
      if (zodSchema instanceof z.ZodBigInt) jsonSchema.type = "integer";
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      delete jsonSchema.id;
    },
  });
  // The copy leaves out what zod attaches for its own use.
  return { ...schema };
}
