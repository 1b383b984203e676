import assert from "node:assert/strict";
import test from "node:test";
import type { FleetConfig } from "../../config/schema/config.ts";
import { loadConfig } from "../../config/load.ts";
import type { SamplingState } from "../../plan/sampling-plan.ts";
import type { ReceivedReport } from "../../plan/sampling/received-counts.ts";
import type { SamplingDirective } from "../../plan/sampling/sampling-directive.ts";
import { SamplingNode } from "./sampling-node.ts";

function configOf(global: string, more = ""): FleetConfig {
  const text = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\nglobal: ${global}\n${more}`;
  const { config, problems } = loadConfig(text, { file: "test.yaml", env: {}, readFile: () => "" });
  assert.ok(config, JSON.stringify(problems));
  return config;
}

const ADAPTIVE = "{ type: adaptive, min_rate: 0.001, max_rate: 0.9, target_qps: 100 }";
const CLASSES =
  "{ type: priority_based, rules: [{ priority: high, rate: 1, services: [pay] }, { priority: low, rate: 0.01, services: [debug] }] }";

function directiveOf(rate: number): SamplingDirective {
  return {
    rates: [
      { signal: "traces", class: "high", probability: 1, reason: "protected" },
      { signal: "traces", class: "low", probability: Math.min(rate, 0.01), reason: "class" },
      { signal: "traces", class: "normal", probability: rate, reason: "budget", by: "adaptive" },
    ],
    held: { adaptive: rate },
    summaries: {},
    equalShare: 400,
  };
}

class Rig {
  config: FleetConfig;
  readonly told: SamplingState[] = [];
  readonly node: SamplingNode;

  constructor(global: string) {
    this.config = configOf(global);
    this.node = new SamplingNode({
      region: "default",
      config: () => this.config,
      direct: (state) => this.told.push(state),
    });
  }

  /** `class probability reason` of what was told last. */
  get traces(): string[] {
    return (this.told.at(-1)?.traces ?? []).map((one) => `${one.class} ${one.probability} ${one.reason}`);
  }
}

test("node: until anything is decided it keeps little of what follows the load, then what the directive says", () => {
  const rig = new Rig(`{ sampling_strategies: [${CLASSES}, ${ADAPTIVE}] }`);
  rig.node.refresh(0);
  assert.deepEqual(rig.traces, ["high 1 priority_based", "low 0.01 priority_based", "normal 0.1 fallback"]);
  assert.deepEqual(rig.told.at(-1)?.bound, { keptPerSecond: 100, highestRate: 0.1 });
  rig.node.take(directiveOf(0.02), 1_000);
  assert.deepEqual(rig.traces, ["high 1 priority_based", "low 0.01 priority_based", "normal 0.02 adaptive"]);
  assert.deepEqual(rig.told.at(-1)?.bound, { keptPerSecond: 400, highestRate: 0.02 });
  rig.node.refresh(301_001);
  assert.deepEqual(rig.told.at(-1)?.bound, { keptPerSecond: 200, highestRate: 0.02 });
  rig.node.refresh(1_801_000);
  assert.deepEqual(rig.traces.at(-1), "normal 0.1 fallback");
});

test("node: what is the same is told again only where a bound is to be divided anew", () => {
  const rig = new Rig(`{ sampling_strategies: [${ADAPTIVE}] }`);
  rig.node.take(directiveOf(0.02), 0);
  rig.node.refresh(4_999);
  assert.equal(rig.told.length, 1);
  rig.node.refresh(5_000);
  assert.equal(rig.told.length, 2);
});

test("node: logs that no rate follows are the config's alone, and once none does all is", () => {
  const fixed = "{ type: fixed, rate: 0.5, signals: [logs] }";
  const rig = new Rig(`{ sampling_strategies: [${fixed}, ${ADAPTIVE}] }`);
  rig.node.refresh(0);
  assert.deepEqual([rig.told.at(-1)?.logs, rig.traces], [[], ["normal 0.1 fallback"]]);
  assert.deepEqual(
    rig.node.classes(0).map(({ signal, probability }) => [signal, probability]),
    [
      ["traces", 0.1],
      ["logs", 0.5],
    ],
  );
  rig.config = configOf(`{ sampling_strategies: [${fixed}] }`);
  rig.node.refresh(1_000);
  assert.deepEqual(rig.told.at(-1), { traces: [], logs: [] });
  assert.equal(rig.node.stage(1_000), undefined);
});

test("node: the fallback's times are those of the config, counted from the last directive", () => {
  const rig = new Rig(
    `{ sampling: { fallback: { after: 10s, static_after: 20s, static_rate: 0.3 } }, sampling_strategies: [${ADAPTIVE}] }`,
  );
  rig.node.take(directiveOf(0.5), 0);
  assert.deepEqual(
    [9_999, 10_000, 20_000].map((nowMs) => rig.node.stage(nowMs)),
    ["directive", "guarded", "static"],
  );
  rig.node.refresh(20_000);
  assert.deepEqual(rig.traces, ["normal 0.3 fallback"]);
});

test("node: an answer that comes late changes nothing of what is foreseen", () => {
  const rig = new Rig(`{ sampling_strategies: [${ADAPTIVE}] }`);
  const report = (atMs: number, items: number): ReceivedReport => {
    const sums = { items, bytes: 0, traces: items, adjusted: items, delivered: 0, kept: 0 };
    return { run: "one", atMs, counts: [{ signal: "traces", class: "normal", octave: 0, ...sums }] };
  };
  rig.node.answered(report(0, 0), 1);
  rig.node.answered(report(10_000, 100_000), 2);
  rig.node.answered(report(5_000, 1_000), 2);
  rig.node.answered(report(15_000, 150_000), 3);
  rig.node.take({ ...directiveOf(0.02), summaries: { default: 3 } }, 15_000);
  // 10,000 items a second, of which 200 are to be kept.
  assert.equal(rig.node.boundPerSecond(15_000), 400);
});
