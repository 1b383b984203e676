import { PROBLEM_TYPE } from "./problem-details.ts";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 of the routes that are there, from the table itself, so that it cannot say anything else. */
export function openapi(routes: readonly Route[], version: string): Json {
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
      schemas: { Problem: PROBLEM_SCHEMA },
    },
  };
}

const PROBLEM_SCHEMA: Json = {
  type: "object",
  description: "Problem details, RFC 9457.",
  required: ["type", "title", "status", "detail"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
  },
};

function operationOf(route: Route): Json {
  const refused = route.role === "none" ? [] : [401, 403];
  const others = [...refused, ...route.statuses].map((status) => [String(status), problemResponse(status)] as const);
  const parameters = [...route.path.matchAll(/\{(\w+)\}/gu)].map(([, name]) => parameterOf(name ?? ""));
  return {
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.role === "none" ? {} : { security: [{ token: [route.role] }] }),
    responses: {
      "200": { description: "OK", content: { [route.type.replace(/;.*/u, "")]: {} } },
      ...Object.fromEntries(others),
    },
  };
}

function parameterOf(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string" } };
}

function problemResponse(status: number): Json {
  const schema = { $ref: "#/components/schemas/Problem" };
  return { description: `Refused with ${status}.`, content: { [PROBLEM_TYPE]: { schema } } };
}
