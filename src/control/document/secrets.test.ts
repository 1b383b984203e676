import assert from "node:assert/strict";
import { test } from "node:test";
import { readdirSync, readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigSchema } from "../../config/schema/config.ts";
import { ProxySchema } from "../../config/schema/address.ts";
import { SecretSchema } from "../../config/schema/values.ts";
import {
  mapComments,
  redactElement,
  redactRoot,
  redactText,
  restoreElement,
  restoreSecrets,
  SECRET_PATHS,
  unrestored,
} from "./secrets.ts";
import { rootOf } from "./prepare.ts";

/** Paths of all secrets in the schema itself. */
function secretsIn(schema: unknown, path: readonly string[]): string[] {
  const isSecret = (pipe: z.ZodPipe): boolean =>
    [SecretSchema, ProxySchema].some(({ def }) => def.out === pipe.def.out);
  if (schema instanceof z.ZodPipe && isSecret(schema)) return [path.join(".")];
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

const EXAMPLES = new URL("../../../examples/", import.meta.url);

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

const SHORT = `# once it was zq and before that q7
targets:
  - id: zq # not zq
    endpoint: https://zq:1 #zq
    headers: { "x-#zq": zq, y: "q7" } # plain words
    tags: { t: "# zq", u: 'zq # q7' }
pools: # of zq
  p:
    targets: [zq] # two
global:
  metadata:
    block: | # (zq)
      # zq stays: this is a text
      zq
    folded: text # zq
# at the end: q7`;

test("secrets: a comment that has a secret in it is not shown, however short that is; texts with a # are no comments", () => {
  const redacted = redactText(SHORT);
  const comments = redacted.split("\n").map((line) => /(?:^|\s)#(?! zq|-| q7).*$/u.exec(line)?.[0].trim() ?? "");
  assert.deepEqual(
    comments.filter((comment) => comment !== ""),
    [
      ...Array<string>(3).fill("# [redacted]"),
      "# plain words",
      "# [redacted]",
      "# two",
      ...Array<string>(3).fill("# [redacted]"),
    ],
  );
  const before = rootOf(SHORT) as { targets: object[]; global: unknown; pools: unknown };
  const after = rootOf(redacted) as { targets: { headers: unknown }[]; global: unknown; pools: unknown };
  assert.deepEqual(after.targets[0]?.headers, { "x-#zq": "[redacted]", y: "[redacted]" });
  assert.deepEqual([after.global, after.pools], [before.global, before.pools]);
});

test("secrets: comments are found wherever YAML has them, and all else stays byte for byte", () => {
  for (const name of readdirSync(EXAMPLES).filter((file) => file.endsWith(".yaml"))) {
    const text = readFileSync(new URL(name, EXAMPLES), "utf8");
    assert.equal(
      mapComments(text, (comment) => comment),
      text,
      name,
    );
    const bare = mapComments(text, () => "");
    assert.deepEqual(rootOf(bare), rootOf(text), name);
    assert.ok(!/^\s*#/mu.test(bare), name);
  }
  assert.equal(
    mapComments("\uFEFFa: 1 # x\r\n# y\r\n", () => "#"),
    "\uFEFFa: 1 #\r\n#\r\n",
  );
});

test("secrets: a proxy is one with a user or a password, and comments do not repeat them", () => {
  const text = `# ann uses hunter2-hunter2, hunter2%2Dhunter2 or q7
targets:
  - { id: a, proxy: "http://ann:hunter2%2Dhunter2@proxy:3128" } # hunter2-hunter2
  - { id: b, proxy: "http://proxy:3128" } # plain
  - { id: c, proxy: none }
  - { id: d, proxy: "http://bob:\${env:PASSWORD}@proxy:3128" }
  - { id: e, proxy: "\${env:PROXY}" }
  - { id: f, proxy: "http://q7@proxy" } # q7
`;
  assert.equal(
    redactText(text),
    `# [redacted]
targets:
  - { id: a, proxy: "[redacted]" } # [redacted]
  - { id: b, proxy: "http://proxy:3128" } # plain
  - { id: c, proxy: none }
  - { id: d, proxy: "[redacted]\${env:PASSWORD}[redacted]" }
  - { id: e, proxy: "\${env:PROXY}" }
  - { id: f, proxy: "[redacted]" } # [redacted]
`,
  );
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
