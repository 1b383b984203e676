/**
 * What a change of the config costs with 10,000 rules over 1,000 services: reading, compiling and
 * taking over, in milliseconds, and by how much the heap grows over seven of them.
 * `node bench/swap.ts` prints JSON. Needs `--expose-gc` for the memory.
 */
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

const text = JSON.stringify(document(), undefined, 1);
const reads: number[] = [];
const compiles: number[] = [];
const swaps: number[] = [];
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
const core = await openCore(planOf(1), limits, env, { checks: "off", secrets: { env: {} }, parts });
const before = heapBytes();
for (let round = 2; round < 2 + ROUNDS; round++) {
  const plan = planOf(round);
  await timed(swaps, async () => (await core.dataPlane.prepare(plan)).commit());
}
const grown = heapBytes() - before;
await parts.disposeAsync();
const result = {
  rules: SERVICES * RULES_OF_EACH,
  document_bytes: text.length,
  read_ms: median(reads),
  compile_ms: median(compiles),
  swap_ms: median(swaps),
  heap_growth_mib: Math.round(grown / 1_048_576),
  node: process.version,
};
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);

function document(): object {
  const rules = Array.from({ length: SERVICES * RULES_OF_EACH }, (_, i) => ({
    id: `rule-${i}`,
    conditions: [
      { service_name: `service-${Math.floor(i / RULES_OF_EACH)}` },
      { resource: { key: "deployment.environment.name", equals: `stage-${i % RULES_OF_EACH}` } },
    ],
    pool: i % 2 === 0 ? "a" : "b",
  }));
  const targets = ["a", "b"].map((id) => ({ id, endpoint: "http://127.0.0.1:9", health_check: false }));
  return { targets, pools: { a: { targets: ["a"] }, b: { targets: ["b"] } }, rules, default_pool: "a" };
}

function planOf(version: number): PlanData {
  let start = performance.now();
  const { config } = loadConfig(text, { file: "bench.json", env: {}, readFile: () => "" });
  reads.push(performance.now() - start);
  if (config === undefined) throw new Error("the benchmark's config has problems");
  start = performance.now();
  const plan = compile(config, config.node, { version, text });
  compiles.push(performance.now() - start);
  return plan;
}

async function timed(into: number[], run: () => Promise<void>): Promise<void> {
  const start = performance.now();
  await run();
  into.push(performance.now() - start);
}

function median(values: readonly number[]): number {
  return Math.round((values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0) * 10) / 10;
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
