import fc from "fast-check";
import type { Signal } from "../../src/otlp/signal.ts";
import { encodeRequest, type Plain } from "../support/oracle/oracle.ts";

/** Texts that rules ask for and items have, so that they meet. */
const SERVICES = ["shop", "pay", "pay-eu"];
const TIERS = ["gold", "silver"];
const REGIONS = ["eu", "us", "asia"];
const NAMES = ["GET /a", "GET /b", "PUT /a"];

export const TARGETS = ["a", "b", "c", "d"] as const;
const POOLS = ["p0", "p1", "p2"] as const;

export interface TestItem {
  readonly signal: Signal;
  readonly service: string;
  readonly tier: string | undefined;
  readonly region: string | undefined;
  /** In a header of its request. */
  readonly tenant: string | undefined;
  readonly name: string;
  readonly trace: number;
  readonly number: number;
}

export const anItem: fc.Arbitrary<TestItem> = fc.record({
  signal: fc.constantFrom("traces", "traces", "logs", "metrics"),
  service: fc.constantFrom(...SERVICES),
  tier: fc.option(fc.constantFrom(...TIERS), { nil: undefined }),
  region: fc.option(fc.constantFrom(...REGIONS), { nil: undefined }),
  tenant: fc.option(fc.constantFrom(...TIERS), { nil: undefined }),
  name: fc.constantFrom(...NAMES),
  trace: fc.nat(40),
  number: fc.nat(5),
});

/** An export request of these items, which are of one signal: a resource for each. */
export function requestOf(items: readonly TestItem[]): Buffer {
  const { signal } = items[0]!;
  const [resources, scopes, list] = FIELDS[signal];
  const written = items.map((item) => {
    const region = item.region === undefined ? [] : [pair("region", item.region)];
    const attributes = [pair("service.name", item.service), ...region];
    return { resource: { attributes }, [scopes]: [{ [list]: [plainOf(item)] }] };
  });
  return Buffer.from(encodeRequest(signal, { [resources]: written }));
}

/** What their sender says. */
export function headersOf({ tenant }: Pick<TestItem, "tenant">): Record<string, string> {
  return tenant === undefined ? {} : { "x-tenant": tenant };
}

const FIELDS = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
} as const;

function plainOf({ signal, tier, name, trace, number }: TestItem): Plain {
  const attributes = [
    ...(tier === undefined ? [] : [pair("user.tier", tier)]),
    { key: "n", value: { intValue: number } },
  ];
  const traceId = Buffer.alloc(16, 1);
  traceId.writeUInt32BE((trace * 2_654_435_761) >>> 0, 12);
  if (signal === "metrics") return { name, gauge: { dataPoints: [{ asDouble: 1, attributes }] } };
  if (signal === "logs") return { severityNumber: 5 + 4 * number, traceId, attributes };
  return { traceId, name, kind: number, attributes };
}

function pair(key: string, value: string): Plain {
  return { key, value: { stringValue: value } };
}

const leaf = fc.oneof(
  fc.constantFrom(...SERVICES, "pay*").map((service_name) => ({ service_name })),
  fc.constantFrom(...TIERS).map((equals) => ({ attribute: { key: "user.tier", equals } })),
  fc.constantFrom(...TIERS).map((equals) => ({ header: { key: "X-Tenant", equals } })),
  fc.constant({ header: { key: "x-tenant", exists: false } }),
  fc.nat(5).map((gte) => ({ attribute: { key: "n", gte } })),
  fc.constant({ attribute: { key: "user.tier", exists: false } }),
  fc.constantFrom("GET *", "PUT /a").map((span_name) => ({ span_name })),
  fc.constantFrom(...REGIONS, "here").map((region) => ({ region })),
  fc.constant({ severity: { gte: "ERROR" } }),
  fc.constantFrom("server", "client").map((span_kind) => ({ span_kind })),
  fc.constant({ sample_rate: 0.5 }),
  fc.constant({ metric_name: "GET*" }),
);
const condition = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: fc.array(leaf, { minLength: 1, maxLength: 2 }).map((any) => ({ any })) },
  { weight: 1, arbitrary: leaf.map((not) => ({ not })) },
);

const STRATEGIES = [
  "round_robin",
  "weighted_round_robin",
  "weighted_random",
  "least_connections",
  { type: "latency", pick: "lowest" },
  { type: "latency", pick: "within", threshold: "50ms" },
  { type: "load_latency", load_weight: 0.7, latency_weight: 0.3 },
  { type: "failover", return_after: "1s" },
  "geography",
  { type: "consistent_hash", key: "trace_id" },
  { type: "consistent_hash", key: { attribute: "user.tier" } },
  "content",
  "broadcast",
] as const;

const pool = fc.record({
  targets: fc.subarray([...TARGETS], { minLength: 1 }),
  strategy: fc.constantFrom(...STRATEGIES),
  when_down: fc.constantFrom("next_rule", "hold", "refuse"),
  fallback: fc.boolean(),
  small: fc.boolean(),
});

const rule = fc.record({
  priority: fc.constantFrom(100, 200, 300),
  signals: fc.subarray(["traces", "metrics", "logs"], { minLength: 2 }),
  mode: fc.constantFrom("first", "first", "copy"),
  conditions: fc.array(condition, { maxLength: 2 }),
  pool: fc.constantFrom(...POOLS),
});

/** Texts of configs: JSON, and so YAML. */
export const aConfig: fc.Arbitrary<string> = fc
  .record({
    pools: fc.tuple(pool, pool, pool),
    rules: fc.array(rule, { maxLength: 6 }),
    falls: fc.boolean(),
    unmatched: fc.constantFrom("refuse", "drop"),
  })
  .map(({ pools, rules, falls, unmatched }) =>
    JSON.stringify({
      targets: TARGETS.map((id, i) => ({
        id,
        endpoint: `http://${id}.test:1`,
        region: REGIONS[i % 2],
        weight: 4 - i,
        limits: { max_in_flight: 4 },
      })),
      pools: Object.fromEntries(pools.map((one, i) => [`p${i}`, poolOf(one, i)])),
      rules: rules.map((one, i) => ({ id: `r${i}`, ...one })),
      ...(falls ? { default_pool: "p2" } : {}),
      unmatched,
    }),
  );

type Pool = typeof pool extends fc.Arbitrary<infer One> ? One : never;

function poolOf({ targets, strategy, when_down, fallback, small }: Pool, i: number): object {
  const cases = [{ conditions: [{ attribute: { key: "user.tier", equals: "gold" } }], targets: [targets[0]] }];
  return {
    targets,
    strategy: strategy === "content" ? { type: "content", cases, otherwise: targets } : strategy,
    when_down,
    queue: { max_bytes: small ? 1_200 : 100_000 },
    ...(fallback && i < 2 ? { fallback: `p${i + 1}` } : {}),
  };
}
