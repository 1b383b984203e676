import { configJsonSchema } from "../config/json-schema.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A component of openapi.json by name. */
export function schemaRef(name: string): Json {
  return { $ref: `${COMPONENTS}/${name}` };
}

/** Schemas of bodies and replies: those of the config are the config's own. */
export function componentSchemas(): Json {
  const { $defs, $schema: _schema, ...config } = hoist(configJsonSchema()) as Json; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a JSON Schema is an object
  const defs = $defs as Readonly<Record<string, Json>>; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
  return {
    Problem: PROBLEM,
    ConfigProblem: CONFIG_PROBLEM,
    Change: CHANGE,
    Config: config,
    Rule: itemsOf("rules"),
    Target: itemsOf("targets"),
    NamedPool: named(defs["Pool"] ?? {}),
    ...defs,
  };
}

const COMPONENTS = "#/components/schemas";

const PROBLEM: Json = {
  type: "object",
  description: "Problem details, RFC 9457.",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    hint: { type: "string", description: "What to do about it." },
    problems: {
      type: "array",
      items: schemaRef("ConfigProblem"),
      description: "What is wrong with a body or a config.",
    },
  },
};

const CONFIG_PROBLEM: Json = {
  type: "object",
  required: ["severity", "path", "message", "text"],
  properties: {
    severity: { enum: ["error", "warning"] },
    path: { type: "string", description: "Where in the document: rules[2].conditions[0].span_kind" },
    message: { type: "string" },
    hint: { type: "string" },
    position: { type: "object", properties: { line: { type: "integer" }, column: { type: "integer" } } },
    text: { type: "string", description: "All of it on one line, for people." },
  },
};

const CHANGE: Json = {
  type: "object",
  required: ["version", "digest", "changed", "warnings", "restart_required", "removed_pools"],
  properties: {
    version: { type: "integer", description: "The version that runs now; also the ETag." },
    digest: { type: "string" },
    changed: { type: "array", items: { type: "string" }, description: "Paths: rules.payments.priority" },
    warnings: { type: "array", items: schemaRef("ConfigProblem") },
    restart_required: { type: "array", items: { type: "string" } },
    removed_pools: {
      type: "array",
      description: "Pools that were removed, now or before, and still hold something.",
      items: {
        type: "object",
        required: ["name", "queued_items", "queued_bytes"],
        properties: {
          name: { type: "string" },
          queued_items: { type: "integer" },
          queued_bytes: { type: "integer" },
        },
      },
    },
  },
};

function itemsOf(section: string): Json {
  return { $ref: `${COMPONENTS}/Config/properties/${section}/items` };
}

/** A pool with its name, which in the config is its key. */
function named(pool: Json): Json {
  const { properties, required } = pool as { properties?: Json; required?: readonly string[] }; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a JSON Schema of an object
  return { ...pool, required: ["name", ...(required ?? [])], properties: { name: { type: "string" }, ...properties } };
}

/** References into `$defs` of a schema by itself, as references to components. */
function hoist(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hoist);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => {
      const isReference = key === "$ref" && typeof entry === "string";
      return [key, isReference ? entry.replace("#/$defs/", `${COMPONENTS}/`) : hoist(entry)];
    }),
  );
}
