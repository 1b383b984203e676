/**
 * What a config of 10,000 rules over 1,000 services costs, in YAML and in JSON: reading and
 * checking it, compiling and taking it over, in milliseconds of the processor; once with every rule
 * changed, and once with one. And by how much the heap grows over all of them.
 * `node --expose-gc bench/swap.ts` prints JSON.
 */
import { stringify } from "yaml";
import { NO_LIMITS } from "../src/otlp/limits.ts";
import { loadConfig } from "../src/config/load.ts";
import { systemClock } from "../src/core/clock.ts";
import { systemRandom } from "../src/core/random.ts";
import { openCore } from "../src/data/assemble.ts";
import { compile } from "../src/plan/compile.ts";
import type { PlanData } from "../src/plan/plan-data.ts";
import { createLedger } from "../src/telemetry/ledger.ts";
import { createLog } from "../src/telemetry/log.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";

const SERVICES = 1_000;
const RULES_OF_EACH = 10;
const ROUNDS = 7;

type Step = "read" | "compile" | "swap";
type Steps = Record<Step, number[]>;

const env = {
  clock: systemClock,
  random: systemRandom,
  log: createLog({ clock: systemClock, write: () => undefined, level: "error", format: "json", colour: false }),
  metrics: createMetrics(),
  ledger: createLedger(),
};
const limits = {
  maxRequestBytes: 1e6,
  counts: NO_LIMITS,
  maxInFlightBytes: 1e7,
  maxConcurrentRequests: 100,
  requestTimeoutMs: 1_000,
  maxTimeoutMs: 1_000,
  maxConnections: 10,
};
const parts = new AsyncDisposableStack();
const none: Steps = { read: [], compile: [], swap: [] };
const core = await openCore(planOf(textOf(0, "yaml"), none), limits, env, {
  checks: "off",
  secrets: { env: {} },
  parts,
});
const before = heapBytes();
const yaml = await measured("yaml");
const json = await measured("json");
const grown = heapBytes() - before;
await parts.disposeAsync();
const result = {
  rules: SERVICES * RULES_OF_EACH,
  yaml,
  json,
  heap_growth_mib: Math.round(grown / 1_048_576),
  node: process.version,
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);

async function measured(form: "yaml" | "json"): Promise<object> {
  const all: Steps = { read: [], compile: [], swap: [] };
  const one: Steps = { read: [], compile: [], swap: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    const text = textOf(round, form);
    await takeOver(text, all);
    const place = text.indexOf(`service-${round * 100}`, text.indexOf("rules"));
    await takeOver(`${text.slice(0, place)}another-${text.slice(place)}`, one);
  }
  return { document_bytes: textOf(1, form).length, all_rules: told(all), one_rule: told(one) };
}

async function takeOver(text: string, into: Steps): Promise<void> {
  const plan = planOf(text, into);
  const start = cpuMs();
  await (await core.dataPlane.prepare(plan)).commit();
  into.swap.push(cpuMs() - start);
}

function textOf(round: number, form: "yaml" | "json"): string {
  const rules = Array.from({ length: SERVICES * RULES_OF_EACH }, (_, i) => ({
    id: `rule-${i}`,
    conditions: [
      { service_name: `service-${Math.floor(i / RULES_OF_EACH)}` },
      { resource: { key: "deployment.environment.name", equals: `stage-${round}-${i % RULES_OF_EACH}` } },
    ],
    pool: i % 2 === 0 ? "a" : "b",
  }));
  const targets = ["a", "b"].map((id) => ({ id, endpoint: "http://127.0.0.1:9", health_check: false }));
  const document = { targets, pools: { a: { targets: ["a"] }, b: { targets: ["b"] } }, rules, default_pool: "a" };
  return form === "yaml" ? stringify(document) : JSON.stringify(document, undefined, 1);
}

function planOf(text: string, into: Steps): PlanData {
  let start = cpuMs();
  const { config } = loadConfig(text, { file: "bench", env: {}, readFile: () => "" });
  into.read.push(cpuMs() - start);
  if (config === undefined) throw new Error("the benchmark's config has problems");
  start = cpuMs();
  const plan = compile(config, config.node, { version: into.read.length, text });
  into.compile.push(cpuMs() - start);
  return plan;
}

function told(steps: Steps): object {
  return Object.fromEntries(Object.entries(steps).map(([name, times]) => [`${name}_ms`, median(times)]));
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function median(values: readonly number[]): number {
  return Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 10) / 10;
}

/** Twice: what was garbage already while the first one ran is found by the second. */
function heapBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
