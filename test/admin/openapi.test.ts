import assert from "node:assert/strict";
import { test } from "node:test";
import { Scene } from "../server/scene.ts";
import { callApi } from "./api-client.ts";

const DOCUMENT = `node:
  listen: { otlp_grpc: { address: "127.0.0.1:0" }, otlp_http: false, admin: { address: "127.0.0.1:0" } }
targets: [{ id: a, endpoint: "http://127.0.0.1:14317" }]
default_pool: { targets: [a] }
`;

test("contract: openapi.json has a schema for every body, and every reference in it leads somewhere", async () => {
  await using scene = new Scene();
  const node = await scene.start(DOCUMENT);
  const description = (await callApi(node.addresses.admin, "/openapi.json")).json();
  const references = new Set<string>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, entry] of Object.entries(value)) {
      if (key === "$ref" && typeof entry === "string") references.add(entry);
      else walk(entry);
    }
  };
  walk(description);
  assert.ok(references.has("#/components/schemas/Rule") && references.size >= 8);
  for (const reference of references) {
    const found = reference
      .slice(2)
      .split("/")
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], description);
    assert.ok(typeof found === "object" && found !== null, reference);
  }
  const paths = description["paths"] as Record<
    string,
    Record<string, { requestBody?: object; parameters?: { name: string }[] }>
  >;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (method === "put" || method === "post") assert.ok(operation.requestBody !== undefined, `${method} ${path}`);
    }
  }
  assert.ok(paths["/api/v1/rules/{id}"]?.["put"]?.parameters?.some(({ name }) => name === "If-Match"));
});
