import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileSampling } from "../../src/plan/compile-sampling.ts";
import { loadText, outlineOf } from "./load-text.ts";

const TARGETS = `targets: [{ id: a, endpoint: "http://a:1" }]`;

/** Each is `global`, on line 2 and those after it. */
const problems: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  {
    name: "max_rate is not below min_rate, and there are rules or rates",
    text: "{ sampling_strategies: [{ type: adaptive, min_rate: 0.5, max_rate: 0.1, target_qps: 1 },\n  { type: priority_based }] }",
    want: ["2 error global.sampling_strategies[0].max_rate", "3 error global.sampling_strategies[1]"],
  },
  {
    name: "rates do not stand beside rules, and a short name not beside its long one",
    text: `{ sampling_strategies: [
      { type: priority_based, normal_rate: 0.5, rules: [{ priority: high, rate: 1 }] },
      { type: priority_based, signals: [logs], normal_rate: 0.5, normal: 0.5 }] }`,
    want: ["3 error global.sampling_strategies[0].normal_rate", "4 error global.sampling_strategies[1].normal"],
  },
  {
    name: "one rule at most takes the rest of a signal",
    text: `{ sampling_strategies: [
      { type: priority_based, rules: [{ priority: normal, rate: 1 }, { priority: low, rate: 0.5, services: [a] }] },
      { type: priority_based, signals: [logs], rules: [{ priority: normal, rate: 1 }] },
      { type: priority_based, rules: [{ priority: low, rate: 0.1 }] }] }`,
    want: ["5 error global.sampling_strategies[2].rules[0]"],
  },
  {
    name: "a budget without costs says nothing",
    text: "{ sampling_strategies: [{ type: cost_based, budget_per_hour: 1, cost_per_byte: 0 }] }",
    want: ["2 error global.sampling_strategies[0]"],
  },
  {
    name: "sampling_rate has no effect beside a rule that takes the rest",
    text: "{ sampling_rate: 0.5, sampling_strategies: [{ type: priority_based, rules: [{ priority: normal, rate: 1 }] }] }",
    want: ["2 warning global.sampling_rate"],
  },
  {
    name: "a strategy has no effect on what is kept less than its min_rate",
    text: `{ sampling_rate: 0.001, sampling_strategies: [
      { type: cost_based, budget_per_hour: 1, cost_per_span: 1, min_rate: 0.01 },
      { type: fixed, rate: 0.005 },
      { type: priority_based, rules: [{ priority: low, rate: 0.002, services: [a] },
        { priority: high, rate: 0.001, services: [b] }] }] }`,
    want: [
      "2 warning global.sampling_rate",
      "4 warning global.sampling_strategies[1].rate",
      "5 warning global.sampling_strategies[2].rules[0].rate",
    ],
  },
  {
    name: "a rate for a priority that no rule has",
    text: "{ sampling_strategies: [{ type: priority_based, high_priority_rate: 1, normal_rate: 0.5, low: 0.1 }] }",
    want: ["2 warning global.sampling_strategies[0].high_priority_rate", "2 warning global.sampling_strategies[0].low"],
  },
  {
    name: "how logs are sampled, where none are",
    text: "{ sampling: { logs: { randomness: [trace_id] } }, sampling_rate: 0.5 }",
    want: ["2 warning global.sampling.logs"],
  },
  {
    name: "a directive that is not followed for long enough to be guarded",
    text: "{ sampling_rate: 0.5,\n sampling: { fallback: { after: 5m, static_after: 300s } } }",
    want: ["3 warning global.sampling.fallback.after"],
  },
  {
    name: "the same by the default of the other time",
    text: "{ sampling_rate: 0.5,\n sampling: { fallback: { static_after: 60000 } } }",
    want: ["3 warning global.sampling.fallback.static_after"],
  },
  {
    name: "rules behind one that takes all services, of the same signals",
    text: `{ sampling_strategies: [
      { type: priority_based, rules: [{ priority: high, rate: 1, services: ["*"], conditions: [{ span_kind: server }] },
        { priority: low, rate: 0.5, services: [a, "*"] },
        { priority: low, rate: 0.1, services: [b] },
        { priority: normal, rate: 1 }] },
      { type: priority_based, signals: [traces, logs], rules: [{ priority: low, rate: 0.1, services: [c] }] },
      { type: priority_based, signals: [logs], rules: [{ priority: low, rate: 0.1, services: [d] }] }] }`,
    want: ["5 warning global.sampling_strategies[0].rules[2]"],
  },
  {
    name: "a fixed rate beside a lower one, and one that lowers nothing",
    text: `{ sampling_strategies: [
      { type: fixed, rate: 0.5 },
      { type: fixed, rate: 0.6 },
      { type: fixed, rate: 0.5 },
      { type: fixed, signals: [traces, logs], rate: 0.7 },
      { type: fixed, rate: 1 }] }`,
    want: [
      "4 warning global.sampling_strategies[1].rate",
      "5 warning global.sampling_strategies[2].rate",
      "7 warning global.sampling_strategies[4].rate",
    ],
  },
  {
    name: "conditions that a signal does not have",
    text: "{ sampling_strategies: [{ type: priority_based, rules: [{ priority: low, rate: 0.5,\n conditions: [{ metric_name: x }] }] }] }",
    want: ["3 warning global.sampling_strategies[0].rules[0].conditions[0].metric_name"],
  },
  {
    name: "metrics are not sampled, and unknown keys are told",
    text: "{ sampling_strategies: [{ type: fixed, rate: 0.5, signals: [metrics] },\n { type: fixed, rat: 0.5 }] }",
    want: [
      "2 error global.sampling_strategies[0].signals[0]",
      "3 error global.sampling_strategies[1].rate",
      "3 error global.sampling_strategies[1].rat",
    ],
  },
];
for (const { name, text, want } of problems) {
  test(`config: sampling: ${name}`, () => {
    assert.deepEqual(outlineOf(loadText(`${TARGETS}\nglobal: ${text}`)), want);
  });
}

/** The contract's example, without what belongs to limits and degradation. */
const EXAMPLE = `${TARGETS}
global:
  sampling:
    randomness: trace_id
    dry_run: false
    logs: { randomness: [trace_id, { attribute: session.id }] }
    fallback: { after: 5m, static_after: 30m, static_rate: 0.1 }
  sampling_strategies:
    - type: priority_based
      signals: [traces]
      rules:
        - { priority: high, rate: 1.0, services: ["payment*"] }
        - { priority: high, rate: 1.0, conditions: [{ span_status: error }] }
        - { priority: low, rate: 0.01, services: ["debug"] }
        - { priority: normal, rate: 1.0 }
    - { type: adaptive, min_rate: 0.001, max_rate: 1.0, target_qps: 2000, unit: items }
    - { type: cost_based, budget_per_hour: 12.5, cost_per_span: 0.0000002, cost_per_byte: 0, min_rate: 0.001 }
regions:
  us-east-1: { sampling_rate: 0.1 }
`;

function sharesOf(text: string, region: string): unknown {
  const { config, problems: found } = loadText(text);
  assert.ok(config, JSON.stringify(found));
  const data = compileSampling(config, region);
  return data?.state.traces.map(({ class: name, probability, reason }) => [name, probability, reason]);
}

test("config: sampling: what is settled of the contract's example, in its region and elsewhere", () => {
  const { config } = loadText(EXAMPLE);
  assert.deepEqual(config?.global.sampling, {
    randomness: "trace_id",
    dry_run: false,
    logs: { randomness: ["trace_id", { attribute: "session.id" }] },
    fallback: { after: 300_000, static_after: 1_800_000, static_rate: 0.1 },
    polling_interval: 60_000,
  });
  const protectedOnes = [
    ["high", 1, "priority_based"],
    ["high-2", 1, "priority_based"],
  ];
  assert.deepEqual(sharesOf(EXAMPLE, "us-east-1"), [
    ...protectedOnes,
    ["low", 0.01, "priority_based"],
    ["normal", 0.1, "region"],
  ]);
  assert.deepEqual(sharesOf(EXAMPLE, "elsewhere"), [
    ...protectedOnes,
    ["low", 0.01, "priority_based"],
    ["normal", 1, "priority_based"],
  ]);
});

test("config: sampling: what is settled of global-config.yaml; max_rate is a ceiling, sampling_rate has none to give", () => {
  const text = readFileSync(new URL("../../examples/global-config.yaml", import.meta.url), "utf8");
  assert.deepEqual(sharesOf(text, "default"), [
    ["high", 1, "priority_based"],
    ["normal", 0.1, "priority_based"],
    ["low", 0.01, "priority_based"],
  ]);
});

test("config: sampling: a config that says nothing of it samples nothing, and a region's rate alone does", () => {
  assert.equal(sharesOf(TARGETS, "default"), undefined);
  assert.equal(sharesOf(`${TARGETS}\nglobal: { sampling_rate: 1 }`, "default"), undefined);
  assert.deepEqual(sharesOf(`${TARGETS}\nregions: { eu: { sampling_rate: 0.5 } }`, "eu"), [["normal", 0.5, "region"]]);
  assert.deepEqual(sharesOf(`${TARGETS}\nregions: { eu: { sampling_rate: 0.5 } }`, "us"), [
    ["normal", 1, "sampling_rate"],
  ]);
});

const SOURCES = `${TARGETS}
node: { listen: { sampling_http: {}, sampling_grpc: { address: "127.0.0.1:14250" } } }
global:
  sampling: { randomness: hash }
`;

test("config: sampling: the listeners for sources are off unless they are written, and on this machine then", () => {
  const listen = loadText(TARGETS).config?.node.listen;
  assert.deepEqual([listen?.sampling_http, listen?.sampling_grpc], [false, false]);
  const { config, problems: found } = loadText(SOURCES);
  assert.deepEqual(found, []);
  assert.deepEqual(config?.node.listen.sampling_http, { address: { host: "127.0.0.1", port: 5_778 } });
  assert.deepEqual(config.node.listen.sampling_grpc, { address: { host: "127.0.0.1", port: 14_250 } });
});

test("config: sampling: a listener for sources has an address of its own", () => {
  const twice = SOURCES.replace("14250", "5778");
  assert.deepEqual(outlineOf(loadText(twice)), ["2 error node.listen.sampling_grpc.address"]);
  const admin = SOURCES.replace("14250", "4320");
  assert.deepEqual(outlineOf(loadText(admin)), ["2 error node.listen.sampling_grpc.address"]);
});

test("config: sampling: sources are told nothing without hash, which is told where the config is the node's", () => {
  const plain = SOURCES.replace("hash", "trace_id");
  assert.deepEqual(outlineOf(loadText(plain)), ["2 warning node.listen.sampling_http"]);
  const fleet = "node: { coordination: { type: etcd, endpoints: [http://e:1] }, listen: { sampling_http: {} } }";
  assert.deepEqual(outlineOf(loadText(fleet)), []);
});

test("config: sampling: a rate that sources are told beside the routers is told to people, too", () => {
  const rates = `${SOURCES}  sampling_rate: 0.2
  sampling_strategies:
    - { type: fixed, rate: 0.4, signals: [logs] }
    - { type: fixed, rate: 0.5 }
    - { type: priority_based, rules: [{ priority: high, rate: 0.1, services: [a] }, { priority: low, rate: 0.1, services: [b] }] }
`;
  assert.deepEqual(outlineOf(loadText(rates)), [
    "5 warning global.sampling_rate",
    "9 warning global.sampling_strategies[2].rules[1].rate",
  ]);
});
