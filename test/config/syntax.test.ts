import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "./load-text.ts";

const TARGET = "{ id: a, endpoint: http://a:1 }";

const broken = [
  { name: "an empty file shows the smallest config", text: "", at: "1:1", message: /is empty/u, hint: /targets: \[/u },
  { name: "a file of comments", text: "# nothing\n", at: "1:1", message: /is empty/u, hint: /targets: \[/u },
  { name: "a list at the top", text: "- a", at: "1:1", message: /expected a mapping, got a list/u },
  { name: "a text at the top", text: "hello", at: "1:1", message: /expected a mapping, got a text/u },
  { name: "an unclosed list", text: `targets: [${TARGET}`, at: "1:42", message: /Flow sequence/u },
  { name: "a tab", text: "targets:\n\t- a", at: "2:1", message: /Tabs/u, hint: /spaces/u },
  {
    name: "two documents",
    text: "targets: []\n---\ntargets: []",
    at: "2:1",
    message: /more than one document/u,
    hint: /---/u,
  },
  { name: "a tag", text: "targets: !thing []", at: "1:10", message: /!thing/u, hint: /quotes/u },
  {
    name: "a key twice",
    text: `targets: []\ntargets: [${TARGET}]`,
    at: "2:1",
    message: /"targets" is given twice/u,
    hint: /line 1/u,
  },
  { name: "an alias to nothing", text: "targets: *a", at: "1:10", message: /no anchor &a/u },
  { name: "an alias that contains itself", text: "targets: &a [*a]", at: "1:14", message: /contains itself/u },
  { name: "a key that is a list", text: "? [a]\n: 1", at: "1:3", message: /must be a text/u },
  { name: "the key __proto__", text: "__proto__: { node: 1 }\ntargets: []", at: "1:1", message: /not allowed/u },
  { name: "more than 16 MiB", text: `#${"x".repeat(17 * 1_024 * 1_024)}`, at: "1:1", message: /16 MiB/u },
  {
    name: "a byte of Latin-1",
    text: Buffer.from(`targets: [${TARGET}]\n# caf\xE9`, "latin1").toString("utf8"),
    at: "2:6",
    message: /no UTF-8/u,
    hint: /save it as UTF-8/u,
  },
  { name: "brackets without end", text: "[".repeat(20_000), at: "1:", message: /./u },
  { name: "nesting", text: `targets: ${"[".repeat(100)}${"]".repeat(100)}`, at: "1:", message: /64 levels/u },
];
for (const { name, text, at, message, hint } of broken) {
  test(`syntax: ${name} is a problem at its place`, () => {
    const { config, problems } = loadText(text);
    assert.equal(config, undefined);
    const found = problems.find((problem) => message.test(problem.message));
    assert.ok(found, JSON.stringify(problems));
    assert.equal(found.severity, "error");
    assert.ok(`${found.position?.line}:${found.position?.column}`.startsWith(at), JSON.stringify(found));
    assert.match(found.hint ?? "", hint ?? /^/u);
  });
}

test("syntax: aliases that stand for too much are refused, quickly and in bounded memory", () => {
  const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`).join(", ")}]`);
  const { config, problems } = loadText(`l0: &l0 [x]\n${levels.join("\n")}`);
  assert.equal(config, undefined);
  assert.ok(problems.some(({ message }) => message.includes("too many values")));
});

const fine = [
  { name: "JSON", text: JSON.stringify({ targets: [{ id: "a", endpoint: "http://a:1" }] }, null, "\t") },
  { name: "a byte order mark and CRLF", text: `\uFEFFtargets:\r\n  - ${TARGET}\r\n` },
  {
    name: "anchors",
    text: `targets: [&a ${TARGET}]\nglobal: { metadata: &m { x: y } }\ndefault_pool: { targets: [a] }`,
  },
  { name: "merge keys", text: `targets:\n  - &a { id: a, endpoint: http://a:1, weight: 2 }\n  - { <<: *a, id: b }` },
];
for (const { name, text } of fine) {
  test(`syntax: ${name} can be read`, () => {
    const { config, problems } = loadText(text);
    assert.deepEqual(problems, []);
    assert.equal(config?.targets[0]?.id, "a");
  });
}

test("syntax: a merge key fills in what is not there, and problems in it point to where it stands", () => {
  const text = `targets:\n  - &a { id: a, endpoint: http://a:1, weight: 2, wieght: 1 }\n  - { <<: *a, id: b }`;
  const { problems } = loadText(text);
  assert.deepEqual(
    problems.map(({ path, position }) => [path, position?.line]),
    [
      ["targets[0].wieght", 2],
      ["targets[1].wieght", 2],
    ],
  );
});

test("syntax: whole numbers beyond 2^53 stay exact where they are compared, and are refused elsewhere", () => {
  const rule = "{ id: r, targets: [a], conditions: [attribute: { key: n, equals: 9223372036854775807 }] }";
  const { config } = loadText(`targets: [${TARGET}]\nrules: [${rule}]\nunmatched: drop`);
  assert.deepEqual(config?.rules[0]?.conditions, [
    { kind: "attribute", key: "n", match: { tests: [{ op: "equals", value: "9223372036854775807" }] } },
  ]);
  const { problems } = loadText("targets: [{ id: a, endpoint: http://a:1, weight: 9223372036854775807 }]");
  assert.match(problems[0]?.message ?? "", /beyond 2\^53/u);
});

for (const [name, text] of [
  ["lists of JSON", "[".repeat(100_000) + "]".repeat(100_000)],
  ["mappings of JSON", '{"a":'.repeat(100_000) + "1" + "}".repeat(100_000)],
  ["brackets that nobody closes", "[".repeat(100_000)],
  ["lists in blocks", "- ".repeat(100_000) + "a"],
] as const) {
  test(`syntax: ${name}, 100,000 of them in each other, get a plain refusal`, () => {
    const { config, problems } = loadText(text);
    assert.equal(config, undefined);
    assert.deepEqual(
      problems.map(({ message }) => message),
      ["the document is nested too deeply"],
    );
  });
}
