import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { ConfigSchema } from "../../config/schema/config.ts";
import { SecretSchema } from "../../config/schema/secret.ts";
import {
  redactElement,
  redactRoot,
  redactText,
  restoreElement,
  restoreSecrets,
  SECRET_PATHS,
  unrestored,
} from "./secrets.ts";

/** Paths of all secrets in the schema itself. */
function secretsIn(schema: unknown, path: readonly string[]): string[] {
  if (schema instanceof z.ZodPipe && schema.def.out === SecretSchema.def.out) return [path.join(".")];
  const of = (next: unknown, key?: string): string[] => secretsIn(next, key === undefined ? path : [...path, key]);
  if (schema instanceof z.ZodObject) return Object.entries(schema.shape).flatMap(([key, next]) => of(next, key));
  if (schema instanceof z.ZodArray) return of(schema.element, "*");
  if (schema instanceof z.ZodRecord) return of(schema.valueType, "*");
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((next) => of(next));
  if (schema instanceof z.ZodPipe) return [...of(schema.in), ...of(schema.out)];
  if (schema instanceof z.ZodLazy) return [];
  const isWrapper =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return isWrapper ? of(schema.unwrap()) : [];
}

test("secrets: every secret of the schema has its path here, and nothing else has", () => {
  const found = new Set(secretsIn(ConfigSchema, []).map((path) => path.replace(/^(node\.listen)\.\w+/u, "$1.*")));
  assert.deepEqual([...found].toSorted(), SECRET_PATHS.map((path) => path.join(".")).toSorted());
});

const TEXT = `# our old token was hunter2-hunter2
node:
  admin:
    tokens:
      - { role: admin, value: hunter2-hunter2 } # rotate it
      - { role: viewer, value: "\${env:VIEWER}" }
targets:
  - id: a
    endpoint: https://a:1
    headers: { authorization: "Bearer \${env:TOKEN:-s3cret}", x-plain: 42, x-key: "\${file:key}" }
    tls: { key: keys/a.pem }
  - id: b
    endpoint: https://b:1
    headers:
      authorization: abc # short
    tls:
      key: |
        -----BEGIN PRIVATE KEY-----
        MII
        -----END PRIVATE KEY-----
`;

const REDACTED_TEXT = `# our old token was [redacted]
node:
  admin:
    tokens:
      - { role: admin, value: "[redacted]" } # rotate it
      - { role: viewer, value: "\${env:VIEWER}" }
targets:
  - id: a
    endpoint: https://a:1
    headers: { authorization: "[redacted]\${env:TOKEN:-[redacted]}", x-plain: "[redacted]", x-key: "\${file:key}" }
    tls: { key: keys/a.pem }
  - id: b
    endpoint: https://b:1
    headers:
      authorization: "[redacted]" # short
    tls:
      key: "[redacted]"
`;

test("secrets: a text without them, references and paths of files stay, and so do comments", () => {
  assert.equal(redactText(TEXT), REDACTED_TEXT);
});

test("secrets: JSON stays JSON", () => {
  const text = '{"targets":[{"id":"a","headers":{"x":"y"}}]}';
  assert.equal(redactText(text), '{"targets":[{"id":"a","headers":{"x":"[redacted]"}}]}');
});

test("secrets: where anchors are in between, the layout is lost and the secret is not shown", () => {
  const text = "targets:\n  - id: a\n    headers: &h { x: secret-one }\n  - id: b\n    headers: *h\n";
  assert.ok(!redactText(text).includes("secret-one"));
  assert.match(redactText(text), /x: "?\[redacted\]/u);
});

test("secrets: a text that is no document is not shown at all", () => {
  assert.equal(redactText("targets: [ hunter2"), "[redacted]");
});

const KNOWN = {
  targets: [
    { id: "a", headers: { x: "one", y: "${env:Y}" } },
    { id: "b", headers: { x: "two" } },
  ],
  node: { admin: { tokens: [{ role: "admin", value: "t" }] } },
};

test("secrets: what was read redacted and is sent back stands for what it was, whatever else changed", () => {
  const read = redactRoot(KNOWN) as { targets: Record<string, unknown>[]; node: unknown };
  const sent = { ...read, targets: [{ id: "new", headers: { x: "own" } }, ...read.targets.toReversed()] };
  const [a, b] = KNOWN.targets;
  assert.deepEqual(restoreSecrets(sent, KNOWN), { ...KNOWN, targets: [{ id: "new", headers: { x: "own" } }, b, a] });
});

test("secrets: one element by itself", () => {
  const known = KNOWN.targets[0]!;
  const read = redactElement("targets", known) as Record<string, unknown>;
  assert.deepEqual(read["headers"], { x: "[redacted]", y: "${env:Y}" });
  assert.deepEqual(restoreElement("targets", { ...read, weight: 2 }, known), { ...known, weight: 2 });
});

test("secrets: a place that nothing can be restored to is found", () => {
  const sent = { targets: [{ id: "c", headers: { x: "[redacted]" } }] };
  assert.deepEqual(unrestored(restoreSecrets(sent, KNOWN)), [["targets", 0, "headers", "x"]]);
});
