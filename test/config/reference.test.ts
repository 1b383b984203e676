import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configReference } from "../docs/config-reference.ts";

test("reference: docs/reference/config.md is what the schema says (npm run reference)", () => {
  const written = readFileSync(new URL("../../docs/reference/config.md", import.meta.url), "utf8");
  assert.equal(written, configReference());
});

type Schema = Readonly<Record<string, unknown>>;

test("json schema: 2020-12 with a title and no $id; every key has a description, unknown keys are refused", () => {
  const schema = configJsonSchema() as Schema;
  assert.equal(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  assert.equal(schema["title"], "Signalbox configuration");
  assert.ok(!JSON.stringify(schema).includes('"$id"'));
  let keys = 0;
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { properties } = value as { properties?: Record<string, Schema> };
    if (properties !== undefined && "type" in value) {
      assert.equal((value as Schema)["additionalProperties"], false, `${path} is open`);
      for (const [key, child] of Object.entries(properties)) {
        keys++;
        assert.ok("const" in child || typeof child["description"] === "string", `${path}.${key} has no description`);
      }
    }
    for (const [key, child] of Object.entries(value)) visit(child, `${path}.${key}`);
  };
  visit(schema, "");
  assert.ok(keys > 150, `only ${keys} keys were found`);
});

test("json schema: all references resolve", () => {
  const schema = configJsonSchema() as { $defs: Record<string, unknown> };
  const references = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/gu)].map(
    ([, name]) => name ?? "",
  );
  assert.ok(references.length > 0);
  for (const name of references) assert.ok(name in schema.$defs, name);
});
