import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "../../test/config/load-text.ts";
import { boundPlan } from "../../test/support/bound-plan.ts";
import { SIGNALS } from "../otlp/signal.ts";
import { passThroughOf, passThroughText } from "./pass-through.ts";
import type { Plan } from "./plan.ts";

const TARGETS = `targets:
  - { id: a, endpoint: "http://127.0.0.1:1", compression: gzip }
  - { id: b, endpoint: "http://127.0.0.1:2", compression: gzip, limits: { max_request_bytes: 1MiB } }
  - { id: z, endpoint: "http://127.0.0.1:3", compression: zstd }
  - { id: j, endpoint: "http://127.0.0.1:4", compression: gzip, protocol: http/json }
  - { id: n, endpoint: "http://127.0.0.1:5" }`;
const POOL = "{ targets: [a, b], compressed: pass_through }";
const ALL = `${TARGETS}\npools: { p: ${POOL}, q: { targets: [n] } }\ndefault_pool: p`;

function poolOf(more: string, targets = "[a, b]"): string {
  return `${TARGETS}\npools: { p: { targets: ${targets}, compressed: pass_through${more} } }\ndefault_pool: p`;
}

/** `why` is what is said of the signals that are read, `passing` are the others. */
const CASES: readonly { readonly text: string; readonly passing: string; readonly why?: RegExp }[] = [
  { text: ALL, passing: "traces metrics logs" },
  {
    text: `${ALL}\nrules: [{ id: r, signals: [logs], pool: q }]`,
    passing: "traces metrics",
    why: /rule r takes everything/u,
  },
  {
    text: `${ALL}\nrules: [{ id: r, conditions: [{ service_name: s }], pool: q }]`,
    passing: "",
    why: /rule r has conditions, and comes first/u,
  },
  {
    text: `${ALL}\nrules: [{ id: r, conditions: [{ service_name: s }], pool: q, priority: low }, { id: t, pool: p }]`,
    passing: "traces metrics logs",
  },
  { text: `${ALL}\nrules: [{ id: r, mode: copy, pool: q }]`, passing: "", why: /rule r copies/u },
  {
    text: `${ALL}\nrules: [{ id: r, conditions: [{ span_name: s }], pool: q }]`,
    passing: "metrics logs",
    why: /rule r has conditions/u,
  },
  { text: `${ALL}\nglobal: { rate_limiting: { max_qps: 9 } }`, passing: "", why: /rate_limiting counts items/u },
  { text: `${ALL}\nglobal: { sampling_rate: 0.5 }`, passing: "metrics logs", why: /traces are sampled/u },
  {
    text: `${ALL}\nglobal: { sampling_strategies: [{ type: fixed, rate: 1, signals: [logs] }] }`,
    passing: "traces metrics",
    why: /logs are sampled/u,
  },
  { text: `${ALL}\nregions: { default: { buffer_size: 10 } }`, passing: "", why: /buffer_size/u },
  { text: `${ALL}\nregions: { mars: { buffer_size: 10 } }`, passing: "traces metrics logs" },
  { text: poolOf(", ack: queued"), passing: "", why: /acknowledged/u },
  {
    text: `${TARGETS}\nrules: [{ id: r, targets: [n], compressed: pass_through }]\nunmatched: refuse`,
    passing: "",
    why: /compression/u,
  },
  { text: poolOf(", strategy: consistent_hash"), passing: "", why: /consistent_hash looks at items/u },
  { text: poolOf(", strategy: { type: geography }"), passing: "", why: /geography looks at items/u },
  { text: poolOf(", strategy: broadcast"), passing: "", why: /copies/u },
  { text: poolOf(", strategy: failover", "[a, b]"), passing: "traces metrics logs" },
  { text: poolOf("", "[a, z]"), passing: "", why: /compression/u },
  { text: poolOf("", "[n]"), passing: "", why: /compression/u },
  { text: poolOf("", "[a, j]"), passing: "", why: /JSON|compression/u },
  { text: poolOf("", "{ region: default }"), passing: "", why: /JSON|compression/u },
  { text: poolOf("", '{ dns: "tempo.test:4317", compression: zstd }'), passing: "traces metrics logs" },
];

function planOf(text: string): { readonly plan: Plan; readonly warnings: readonly string[] } {
  const { config, problems } = loadText(text);
  assert.ok(config !== undefined, JSON.stringify(problems));
  const warnings = problems.filter(({ path }) => path.endsWith(".compressed")).map(({ message }) => message);
  return { plan: boundPlan(config), warnings };
}

for (const { text, passing, why } of CASES) {
  const config = text.slice(TARGETS.length + 1).replaceAll("\n", ", ");
  test(`compressed requests pass where nothing of them has to be read, and validate says where not: ${config}`, () => {
    const { plan, warnings } = planOf(text);
    const passes = SIGNALS.filter((signal) => passThroughOf(signal, plan).kind === "passed");
    assert.equal(passes.toSorted().join(" "), passing.split(" ").filter(Boolean).toSorted().join(" "));
    const told = SIGNALS.flatMap((signal) => passThroughOf(signal, plan)).flatMap((one) =>
      one.kind === "read" ? [one.why] : [],
    );
    const isSilent = /r takes everything/u.test(why?.source ?? ""); // another rule takes that signal, by intent
    for (const said of [...told, ...warnings]) assert.match(said, why!);
    assert.equal(warnings.length, why === undefined || isSilent ? 0 : 1, warnings.join("; "));
  });
}

test("a passing plan has the encoding, the rule and its pool, and what is not too long to have to be cut", () => {
  const { plan } = planOf(`${ALL}\nrules: [{ id: r, signals: [traces], pool: p }]`);
  assert.deepEqual(passThroughOf("traces", plan), {
    kind: "passed",
    rule: 0,
    pool: 0,
    encoding: "gzip",
    maxBytes: 1_048_576,
  });
  const said = "requests that come with gzip are not read (compressed: pass_through): they go to pool p by rule";
  assert.equal(passThroughText("traces", plan), `${said} r, as they came`);
  assert.equal(passThroughText("logs", plan), `${said} (default), as they came`);
  const { plan: silent } = planOf(`${TARGETS}\npools: { q: { targets: [n] } }\ndefault_pool: q`);
  assert.deepEqual([passThroughOf("logs", silent), passThroughText("logs", silent)], [{ kind: "off" }, undefined]);
});
