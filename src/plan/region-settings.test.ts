import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "../../test/scenario/ledger-rig.ts";
import type { Plan, PoolPlan } from "./plan.ts";

const REST = `
targets: [{ id: a, endpoint: "http://127.0.0.1:1" }, { id: b, endpoint: "http://127.0.0.1:2", region: us }]
pools:
  p: { targets: [a, b], strategy: { type: geography, then: [asia, us] }, batch: { max_items: 7, max_wait: 5ms }, retry: { initial: 1s, max: 2s } }
  q: { targets: [a, b] }
default_pool: p
rules: [{ id: r, conditions: [{ service_name: s }], pool: q }]
regions: `;

function planIn(region: string, regions: string): Plan {
  return planOf(`node: { region: ${region} }${REST}${regions}`);
}

function poolIn(region: string, regions: string, pool = "p"): PoolPlan {
  return planIn(region, regions).pools.get(pool)!;
}

const EU = `{ eu: { batch: { max_items: 100, max_wait: 100ms }, retry: { max_retries: 3, budget: 0.5 }, routing_preference: [us, b] } }`;

test("nodes of a region batch and try again as it says, in every pool; what it says nothing of stays the pool's", () => {
  const [p, q] = [poolIn("eu", EU), poolIn("eu", EU, "q")];
  assert.deepEqual(p.batch, { maxItems: 100, maxBytes: 4_194_304, maxWaitMs: 100 });
  assert.deepEqual(p.retry, { initialMs: 1_000, maxMs: 2_000, maxRetries: 3, budget: 0.5 });
  assert.deepEqual(q.batch, p.batch);
  assert.deepEqual(q.retry, { initialMs: 500, maxMs: 30_000, maxRetries: 3, budget: 0.5 });
});

test("its buffer bounds the items of every pool, beside the bytes", () => {
  const regions = "{ eu: { buffer_size: 10 } }";
  assert.equal(poolIn("eu", regions).queue.maxItems, 10);
  assert.equal(poolIn("eu", regions, "q").queue.maxItems, 10);
  assert.equal(poolIn("mars", regions).queue.maxItems, undefined);
});

test("its preference comes before the order of geography", () => {
  assert.deepEqual(poolIn("eu", EU).strategy, { type: "geography", prefer: ["us", "b"], order: ["asia", "us"] });
});

test("nodes elsewhere have the plan that they have without regions", () => {
  const bare = planIn("mars", "{}");
  const withRegions = planIn("mars", EU);
  assert.deepEqual(withRegions.pools, bare.pools);
  assert.deepEqual(planIn("eu", "{ eu: {} }").pools, planIn("eu", "{}").pools);
  assert.deepEqual(planIn("constructor", EU).pools, planIn("constructor", "{}").pools);
});

const waits = [
  { retry: "{ initial: 5s }", initialMs: 5_000, maxMs: 5_000 },
  { retry: "{ initial: 100ms, max: 800ms }", initialMs: 100, maxMs: 800 },
  { retry: "{ max: 700ms }", initialMs: 700, maxMs: 700 },
  { retry: "{ max: 10s }", initialMs: 1_000, maxMs: 10_000 },
];
for (const { retry, initialMs, maxMs } of waits) {
  test(`a region's retry ${retry}: the pool's wait yields`, () => {
    const { initialMs: initial, maxMs: max } = poolIn("eu", `{ eu: { retry: ${retry} } }`).retry;
    assert.deepEqual([initial, max], [initialMs, maxMs]);
  });
}

const strategies = [
  { strategy: "least_connections", prefers: true },
  { strategy: "{ type: latency, pick: within, threshold: 50ms }", prefers: true },
  { strategy: "latency", prefers: false },
  { strategy: "round_robin", prefers: false },
  { strategy: "weighted_round_robin", prefers: false },
  { strategy: "weighted_random", prefers: false },
  { strategy: "load_latency", prefers: false },
  { strategy: "failover", prefers: false },
  { strategy: "consistent_hash", prefers: false },
  { strategy: "broadcast", prefers: false },
];
for (const { strategy, prefers } of strategies) {
  test(`a region's preference ${prefers ? "is one of" : "changes nothing of"} ${strategy}`, () => {
    const text = (regions: string): string => `
targets: [{ id: a, endpoint: "http://127.0.0.1:1" }, { id: b, endpoint: "http://127.0.0.1:2" }]
default_pool: { targets: [a, b], strategy: ${strategy} }
regions: ${regions}`;
    const [plain, preferring] = ["{}", "{ default: { routing_preference: [b] } }"].map(
      (regions) => planOf(text(regions)).pools.get("default")!.strategy,
    );
    assert.deepEqual(preferring, prefers ? { ...plain, prefer: ["b"] } : plain);
  });
}
