import { z } from "zod";
import { configJsonSchema, jsonSchemaOf } from "../config/json-schema.ts";
import { PROBLEM_TYPE } from "./reply.ts";
import { type BodySpec, JSON_TYPE, type AdminRoute } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * OpenAPI 3.1 of the routes that are there, from the table itself, so that it cannot say anything
 * else.
 */
export function openapi(routes: readonly AdminRoute[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Signalbox admin API", version },
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: componentSchemas(),
    },
  };
}

function operationOf(route: AdminRoute): Json {
  const others = statusesOf(route).map((status) => [String(status), problemResponse(status)] as const);
  const parameters = parametersOf(route);
  const content = route.guarded === true ? { schema: schemaRef("Change") } : {};
  return {
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    ...(route.role === "none" ? {} : { security: [{ token: [route.role] }] }),
    responses: {
      "200": { description: "OK", content: { [(route.type ?? JSON_TYPE).replace(/;.*/u, "")]: content } },
      ...Object.fromEntries(others),
    },
  };
}

/** Those of its own, and those that follow from what it takes. */
function statusesOf({ role, body, guarded, work, statuses = [] }: AdminRoute): number[] {
  return [
    ...(role === "none" ? [] : [401, 403]),
    ...(body === undefined ? [] : [400, 408, 413, 415, 503]),
    ...(guarded === true ? [400, 404, 409, 412, 422, 503] : []),
    ...(work === undefined ? [] : [429]),
    ...statuses,
  ];
}

function parametersOf({ path, query, guarded }: AdminRoute): Json[] {
  const text = { schema: { type: "string" } };
  const inPath = [...path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => ({ name, in: "path", required: true, ...text }));
  const inQuery = Object.entries(query ?? {}).map(([name, description]) => ({
    name,
    in: "query",
    description,
    ...text,
  }));
  const description = 'The version that the change is meant for, as in the ETag: "5". With another one running: 412.';
  const header = guarded === true ? [{ name: "If-Match", in: "header", description, ...text }] : [];
  return [...inPath, ...inQuery, ...header];
}

function requestBody({ types, required, schema: written }: BodySpec): Json {
  const schema = typeof written === "string" ? schemaRef(written) : withoutDialect(jsonSchemaOf(written));
  return { required, content: Object.fromEntries(types.map((type) => [`application/${type}`, { schema }])) };
}

function problemResponse(status: number): Json {
  const schema = schemaRef("Problem");
  return { description: `Refused with ${status}.`, content: { [PROBLEM_TYPE]: { schema } } };
}

const COMPONENTS = "#/components/schemas";

/** A component by name. */
function schemaRef(name: string): Json {
  return { $ref: `${COMPONENTS}/${name}` };
}

const ConfigProblemSchema = z
  .object({
    severity: z.enum(["error", "warning"]),
    path: z.string().describe("Where in the document: rules[2].conditions[0].span_kind"),
    message: z.string(),
    hint: z.string().optional(),
    position: z.object({ line: z.int(), column: z.int() }).optional(),
    text: z.string().describe("All of it on one line, for people."),
  })
  .meta({ id: "ConfigProblem" });

const ProblemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    hint: z.string().optional().describe("What to do about it."),
    problems: z.array(ConfigProblemSchema).optional().describe("What is wrong with a body or a config."),
  })
  .meta({ id: "Problem", description: "Problem details, RFC 9457." });

const LeavingPoolSchema = z.object({ name: z.string(), queued_items: z.int(), queued_bytes: z.int() });

const ChangeSchema = z
  .object({
    version: z.int().describe("The version that runs now; also the ETag."),
    digest: z.string(),
    changed: z.array(z.string()).describe("Paths: rules.payments.priority"),
    warnings: z.array(ConfigProblemSchema),
    restart_required: z.array(z.string()),
    removed_pools: z
      .array(LeavingPoolSchema)
      .describe("Pools that were removed, now or before, and still hold something."),
  })
  .meta({ id: "Change" });

/** Schemas of bodies and replies: those of the config are the config's own. */
function componentSchemas(): Json {
  const { $defs: replies } = hoist(jsonSchemaOf(z.object({ problem: ProblemSchema, change: ChangeSchema })));
  const { $defs: defs, ...config } = withoutDialect(hoist(configJsonSchema()));
  return {
    ...asJson(replies),
    Config: config,
    Rule: schemaRef("Config/properties/rules/items"),
    Target: schemaRef("Config/properties/targets/items"),
    NamedPool: named(asJson(asJson(defs)["Pool"]), "name"),
    NamedRegion: named(asJson(asJson(defs)["Region"]), "id"),
    ...asJson(defs),
  };
}

/** A pool or a region with its name, which in the config is its key. */
function named(element: Json, key: "id" | "name"): Json {
  const required = Array.isArray(element["required"]) ? element["required"] : [];
  return {
    ...element,
    required: [key, ...required],
    properties: { [key]: { type: "string" }, ...asJson(element["properties"]) },
  };
}

/** References into `$defs` of a schema by itself, as references to components. */
function hoist(schema: object): Json {
  return asJson(JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', `"${COMPONENTS}/`)));
}

function withoutDialect({ $schema: _schema, ...schema }: Json): Json {
  return schema;
}

function asJson(value: unknown): Json {
  return value as Json; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a JSON Schema, or a part that is a mapping
}
