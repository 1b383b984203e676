import { PROBLEM_TYPE } from "./problem-details.ts";
import type { BodySpec, Route } from "./route.ts";
import { componentSchemas, type Json, schemaRef } from "./schemas.ts";

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
      schemas: componentSchemas(),
    },
  };
}

function operationOf(route: Route): Json {
  const refused = route.role === "none" ? [] : [401, 403];
  const others = [...refused, ...route.statuses].map((status) => [String(status), problemResponse(status)] as const);
  const parameters = parametersOf(route);
  const isChange = route.guarded === true;
  const content = isChange ? { schema: schemaRef("Change") } : {};
  return {
    summary: route.summary,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    ...(route.role === "none" ? {} : { security: [{ token: [route.role] }] }),
    responses: {
      "200": { description: "OK", content: { [route.type.replace(/;.*/u, "")]: content } },
      ...Object.fromEntries(others),
    },
  };
}

function parametersOf({ path, query, guarded }: Route): Json[] {
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

function requestBody({ types, required, schema }: BodySpec): Json {
  return { required, content: Object.fromEntries(types.map((type) => [`application/${type}`, { schema }])) };
}

function problemResponse(status: number): Json {
  const schema = schemaRef("Problem");
  return { description: `Refused with ${status}.`, content: { [PROBLEM_TYPE]: { schema } } };
}
