import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Ran, runCli } from "./run-cli.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-test-"));
after(() => rmSync(folder, { recursive: true }));

writeFileSync(
  join(folder, "signalbox.yaml"),
  `targets: [{ id: a, endpoint: "http://127.0.0.1:14317" }, { id: b, endpoint: "http://127.0.0.1:24317" }]
rules:
  - { id: copy, mode: copy, conditions: [{ span_status: error }], targets: [b] }
  - { id: shop, conditions: [{ service_name: shop }], targets: [a] }
  - { id: tenant, conditions: [{ header: { key: X-Scope-OrgID, equals: gold } }], targets: [b] }
  - { id: some, conditions: [{ sample_rate: 0.5 }], targets: [b] }
`,
);
writeFileSync(join(folder, "span.json"), '{"name":"GET /x","kind":2,"traceId":"0af7651916cd43dd8448eb211c80319c"}');

function runTests(text: string, more: readonly string[] = []): Promise<Ran> {
  writeFileSync(join(folder, "tests.yaml"), text);
  return runCli(["test", "tests.yaml", ...more], { cwd: folder });
}

function one(input: string, expect: string): string {
  return `config: signalbox.yaml\ntests:\n  - { name: it, input: ${input}, expect: ${expect} }\n`;
}

const cases: { input: string; expect: string; fails?: RegExp }[] = [
  { input: "{ service: shop }", expect: '{ rule: shop, pool: "rule:shop", target: a, targets: [a], copies: [] }' },
  { input: "{ service: shop, span_status: error }", expect: "{ copies: [copy], unmatched: false }" },
  { input: "{ service: shop, span_status: error }", expect: '{ copies: ["rule:copy"] }' },
  { input: "{ service: none, metric_name: m }", expect: "{ unmatched: true }" },
  { input: "{ service: x, headers: { x-scope-orgid: gold } }", expect: "{ rule: tenant, target: b }" },
  { input: "{ file: span.json, headers: { X-SCOPE-ORGID: gold } }", expect: "{ rule: tenant }" },
  {
    input: "{ service: x, headers: { x-scope-orgid: gold } }",
    expect: "{ share: { of: tenant, at_least: 1, over: 10 } }",
  },
  {
    input: "{ metric_name: m, headers: { x-scope-orgid: Gold } }",
    expect: "{ rule: tenant }",
    fails: /header x-scope-orgid is "gold"; it is "Gold": does not hold/u,
  },
  { input: "{ metric_name: m }", expect: "{ unmatched: refuse }" },
  { input: "{ file: span.json, service: shop }", expect: "{ rule: shop }" },
  { input: "{ request: { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] } }", expect: "{ unmatched: true }" },
  { input: "{ service: x }", expect: "{ share: { of: some, at_least: 0.45, at_most: 0.55 } }" },
  {
    input: "{ service: x }",
    expect: "{ share: { of: b, at_least: 0.9 } }",
    fails: /share of b: expected at least 0\.9, got 0\.\d{4}/u,
  },
  {
    input: "{ service: cart }",
    expect: "{ rule: shop }",
    fails: /rule: expected shop, got none[^]*service_name is "shop"; it is "cart"/u,
  },
  { input: "{ service: shop }", expect: "{ target: b }", fails: /target: expected b, got a/u },
  { input: "{ service: shop }", expect: "{ copies: [copy] }", fails: /copies: expected copy, got none/u },
];
for (const { input, expect, fails } of cases) {
  test(`a test of ${input} that expects ${expect} ${fails === undefined ? "passes" : "fails, and tells why"}`, async () => {
    const { code, out, err } = await runTests(one(input, expect));
    assert.equal(code, fails === undefined ? 0 : 4, err + out);
    assert.match(out, fails ?? /^ok +it\n1 passed, 0 failed\n$/u);
    if (fails !== undefined) assert.match(out, /^not ok {2}it \(tests\.yaml:3\)/u);
  });
}

const broken: { name: string; text: string; want: RegExp }[] = [
  {
    name: "an unknown key",
    text: one("{ servise: x }", "{ rule: shop }"),
    want: /tests\.yaml:3:\d+: error: .*servise.*did you mean "service"/u,
  },
  {
    name: "a rule that is not there",
    text: one("{}", "{ rule: shup }"),
    want: /:3:\d+: error: tests\[0\]\.expect\.rule: .*did you mean "shop"/u,
  },
  { name: "a share of nothing", text: one("{}", "{ share: { of: x } }"), want: /no rule or target "x"/u },
  { name: "no expectation", text: one("{}", "{}"), want: /expects nothing/u },
  { name: "a file that is not there", text: one("{ file: no.json }", "{ rule: shop }"), want: /cannot read no\.json/u },
  { name: "no YAML", text: "tests: [", want: /tests\.yaml:1:\d+: error/u },
];
for (const { name, text, want } of broken) {
  test(`a test file with ${name} is told with its place, and nothing runs: exit code 3`, async () => {
    const { code, out, err } = await runTests(text);
    assert.deepEqual([code, out], [3, ""], err);
    assert.match(err, want);
  });
}

test("a list of tests needs its config named; a config with problems exits with 3, a missing file with 5", async () => {
  const list = "- { name: it, input: { service: shop }, expect: { rule: shop } }\n";
  assert.equal((await runTests(list)).code, 2);
  assert.equal((await runTests(list, ["-c", "signalbox.yaml"])).code, 0);
  writeFileSync(join(folder, "broken.yaml"), "targetz: []\n");
  assert.equal((await runTests(list, ["-c", "broken.yaml"])).code, 3);
  assert.equal((await runCli(["test", "none.yaml"], { cwd: folder })).code, 5);
  assert.equal((await runCli(["test"], { cwd: folder })).code, 2);
});

test("coverage lists the rules that no test reached, and fails below the least that is asked for", async () => {
  const text = one("{ service: shop }", "{ rule: shop }");
  const told = await runTests(text, ["--coverage"]);
  assert.equal(told.code, 0);
  assert.match(told.out, /coverage: 1 of 4 rules \(25%\)\n {2}not reached: copy, tenant, some\n$/u);
  assert.equal((await runTests(text, ["--min-coverage", "25"])).code, 0);
  const low = await runTests(text, ["--min-coverage", "50", "-o", "json"]);
  assert.equal(low.code, 4);
  const { ok, coverage } = JSON.parse(low.out) as { ok: boolean; coverage: { not_reached: string[] } };
  assert.deepEqual([ok, coverage.not_reached], [false, ["copy", "tenant", "some"]]);
});

test("the schema of test files is published", async () => {
  const { code, out } = await runCli(["schema", "--tests"]);
  assert.equal(code, 0);
  const schema = JSON.parse(out) as { title: string; properties: Record<string, unknown> };
  assert.deepEqual([schema.title, Object.keys(schema.properties)], ["Signalbox routing tests", ["config", "tests"]]);
});

for (const file of readdirSync("examples").filter((name) => name.endsWith(".test.yaml"))) {
  test(`examples/${file}: every test holds, and every rule is reached`, async () => {
    const { code, out, err } = await runCli(["test", `examples/${file}`, "--min-coverage", "100"]);
    assert.equal(code, 0, out + err);
  });
}
