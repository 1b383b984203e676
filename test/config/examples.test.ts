import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Config } from "../../src/config/schema/config.ts";
import { loadText, outlineOf } from "./load-text.ts";

function readExample(name: string): string {
  return readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8");
}

function loadExample(name: string): Config {
  const { config, problems } = loadText(readExample(name), name);
  assert.ok(config, JSON.stringify(problems));
  return config;
}

const warnings = [
  { name: "minimal.yaml", want: [] },
  { name: "by-service.yaml", want: [] },
  { name: "gateway.yaml", want: [] },
  {
    name: "strategies.yaml",
    want: [],
  },
  {
    name: "fleet.yaml",
    want: ["targets", "pools.ingest.ack", "pools.ingest.queue.storage"],
  },
  {
    name: "global-config.yaml",
    want: [
      "",
      "global.sampling_rate",
      "global.routing_rules[0].target_region",
      "global.routing_rules[1].target_region",
    ],
  },
];
for (const { name, want } of warnings) {
  test(`examples: ${name} loads, and warns only of what has no effect`, () => {
    const { config, problems } = loadText(readExample(name), name);
    assert.ok(config);
    assert.deepEqual(
      problems.filter(({ severity }) => severity === "error"),
      [],
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      want,
    );
  });
}

test("examples: broken.yaml has the problems that its comments mark, all at once, each at its place", () => {
  const text = readExample("broken.yaml");
  const result = loadText(text, "broken.yaml");
  assert.equal(result.config, undefined);
  assert.deepEqual(outlineOf(result), [
    "4 error targets[0].endpoint",
    "5 error targets[1].id",
    "6 error targets[2].wieght",
    "8 error pools.p.targets[1]",
    "10 error rules[0].conditions[0].service_name.regex",
    "11 error rules[1].conditions[0].span_kind",
    "11 error rules[1].pool",
    "13 warning rules[3]",
    "15 error global.sampling_rate",
    "16 error global.degradation.recovery_threshold",
    "17 error global.rate_limiting.max_qps",
  ]);
  const marks = text
    .split("\n")
    .flatMap((line, i) => (i < 2 ? [] : (line.match(/\(!\)|# warning/gu)?.map(() => i + 1) ?? [])));
  assert.deepEqual(
    result.problems.map(({ position }) => position?.line),
    marks,
  );
  const hints = result.problems.map(({ hint }) => hint ?? "");
  for (const want of ['"http://127.0.0.1:4317"?', '"weight"?', '"b"?', '"server"?']) {
    assert.ok(hints.includes(`did you mean ${want}`), want);
  }
});

test("examples: the default pool of the smallest config is all targets", () => {
  const config = loadExample("minimal.yaml");
  assert.equal(config.default_pool, "default");
  assert.deepEqual(Object.keys(config.pools), ["default"]);
  assert.deepEqual(config.pools["default"]?.targets, ["tempo"]);
  assert.deepEqual(config.pools["default"].strategy, { type: "weighted_round_robin" });
  assert.deepEqual(config.node.listen.otlp_grpc !== false && config.node.listen.otlp_grpc.address, {
    host: "127.0.0.1",
    port: 4_317,
  });
});

test("examples: pools in place get the name of their rule, and conditions their long form", () => {
  const config = loadExample("by-service.yaml");
  assert.deepEqual(Object.keys(config.pools).toSorted(), ["default", "errors", "payments", "rule:my-service"]);
  assert.deepEqual(config.pools["payments"]?.strategy, { type: "failover", return_after: 10_000 });
  assert.deepEqual(
    config.rules.map(({ id, priority, mode, pool }) => [id, priority, mode, pool]),
    [
      ["copy-errors", 1_000, "copy", "errors"],
      ["error-logs", 1_000, "first", "errors"],
      ["payments", 200, "first", "payments"],
      ["my-service", 100, "first", "rule:my-service"],
    ],
  );
  assert.deepEqual(
    config.rules.flatMap(({ conditions }) => conditions),
    [
      { kind: "attribute", key: "http.response.status_code", match: { tests: [{ op: "gte", value: 500 }] } },
      { kind: "severity", match: { tests: [{ op: "gte", value: 17 }] } },
      { kind: "service_name", match: { tests: [{ op: "glob", pattern: "payment*" }] } },
      { kind: "service_name", match: { tests: [{ op: "equals", value: "my-service" }] } },
      { kind: "region", match: { tests: [{ op: "equals", value: "us-east-1" }] } },
    ],
  );
});

test("examples: the cases of a content strategy name targets, and one rule of strategies.yaml falls to the default", () => {
  const config = loadExample("strategies.yaml");
  const strategy = config.pools["rule:by-content"]?.strategy;
  assert.ok(strategy?.type === "content");
  assert.deepEqual(
    strategy.cases.map(({ targets }) => targets),
    [["a"], ["b"], ["c"]],
  );
  assert.deepEqual(strategy.otherwise, ["d"]);
  assert.deepEqual(config.rules.at(-1)?.conditions.at(-1), { kind: "sample_rate", rate: 0.25 });
});

test("examples: secrets of the fleet come from variables and files, and do not print", () => {
  const config = loadExample("fleet.yaml");
  assert.equal(config.targets[0]?.headers["authorization"]?.reveal(), "ingest-secret");
  assert.equal(config.node.admin.tokens[0]?.value.reveal(), "admin-secret");
  assert.equal(config.node.fleet.token?.reveal(), "fleet-secret");
  assert.ok(!JSON.stringify(config).includes("-secret"));
  assert.deepEqual(config.pools["ingest"]?.targets, ["use1", "usw2"]);
  assert.deepEqual(config.pools["ingest"].queue, {
    storage: "disk",
    max_bytes: 20 * 1_024 ** 3,
    max_age: 86_400_000,
    when_full: "refuse",
  });
});

test("examples: global.routing_rules become rules once their regions have targets", () => {
  const targets = `
targets:
  - { id: east, endpoint: "http://127.0.0.1:1", region: us-east-1 }
  - { id: west, endpoint: "http://127.0.0.1:2", region: us-west-2 }
`;
  const { config, problems } = loadText(`${readExample("global-config.yaml")}${targets}`);
  assert.ok(config);
  assert.deepEqual(
    problems.filter(({ path }) => path.includes("routing_rules")),
    [],
  );
  assert.deepEqual(
    config.rules.map(({ id, priority, pool }) => [id, priority, config.pools[pool]?.targets]),
    [
      ["global:0", 1_000, ["east"]],
      ["global:1", 100, ["west"]],
    ],
  );
  assert.deepEqual(config.pools["default"]?.targets, ["east", "west"]);
});
