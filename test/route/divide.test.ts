import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { type Partitioner, createPartitioner } from "../../src/data/route/repartition.ts";
import { Router } from "../../src/data/route/route.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { compileCondition } from "../../src/plan/condition.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import { compileRoutes } from "../../src/plan/compile-routes.ts";
import type { Division } from "../../src/plan/division.ts";
import type { Cond } from "../../src/plan/route-plan.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { decodeRequest, encodeRequest } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import {
  arbitraryCondition,
  arbitraryHeaders,
  arbitraryRules,
  naiveItems,
  REGION,
  type Vocabulary,
  vocabularyOf,
} from "./arbitrary-routes.ts";
import type { NaiveItem } from "./naive.ts";
import { channelOf, type NaiveDivision, type NaivePool, placeNaively } from "./naive-pools.ts";
import { senderHeaders } from "../../src/plan/sender-headers.ts";

type Pools = Readonly<Record<"p0" | "p1" | "p2", NaivePool>>;

const OWNERS = 3;
const ownerOf = (hash: number): number => hash % OWNERS;

function arbitraryDivision(signal: Signal, vocabulary: Vocabulary): fc.Arbitrary<NaiveDivision> {
  const conditions = fc.array(arbitraryCondition(vocabulary), { maxLength: 2 });
  const key = fc.constantFrom(...vocabulary.keys);
  // A log record without a trace id is spread by its bytes, which a decoded one does not have.
  const wholeKeys = signal === "logs" ? (["service_name"] as const) : (["trace_id", "service_name"] as const);
  return fc.oneof(
    fc.constant({ kind: "none" as const }),
    fc.record({ kind: fc.constant("cases" as const), cases: fc.array(conditions, { minLength: 1, maxLength: 3 }) }),
    fc.record({ kind: fc.constant("regions" as const), regions: fc.subarray([...vocabulary.texts]) }),
    fc.record({
      kind: fc.constant("key" as const),
      key: fc.oneof(
        fc.record({ from: fc.constantFrom(...wholeKeys) }),
        fc.record({ from: fc.constantFrom("attribute" as const, "resource" as const), key }),
      ),
    }),
  );
}

function arbitraryPools(signal: Signal, vocabulary: Vocabulary): fc.Arbitrary<Pools> {
  const pool = (fallbacks: readonly (string | undefined)[]): fc.Arbitrary<NaivePool> =>
    fc.record({
      division: arbitraryDivision(signal, vocabulary),
      fallback: fc.constantFrom(...fallbacks),
      whenDown: fc.constantFrom("next_rule", "hold", "refuse"),
      down: fc.subarray([0, 1, 2, 3]),
      full: fc.boolean(),
    });
  return fc.record({ p0: pool([undefined, "p1", "p2"]), p1: pool([undefined, "p2"]), p2: pool([undefined]) });
}

function compiled(division: NaiveDivision): Division {
  if (division.kind !== "cases") return division;
  const of = (signal: Signal): Cond[] =>
    division.cases.map((conditions) => ({ kind: "all", of: conditions.map((one) => compileCondition(one, signal)) }));
  return {
    kind: "cases",
    conditions: { traces: of("traces"), metrics: of("metrics"), logs: of("logs") },
    identity: "",
  };
}

type Delivered = Map<string, string[]>;

function put(into: Delivered, place: string, { resource, scopeName, item }: NaiveItem): void {
  into.set(place, [...(into.get(place) ?? []), JSON.stringify([resource ?? {}, scopeName, item])]);
}

function sorted(delivered: Delivered): [string, string[]][] {
  const each = [...delivered].map(([place, items]): [string, string[]] => [place, items.toSorted()]);
  return each.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

type RouteForReal = (bytes: Uint8Array, headers: Headers) => Delivered;
type Headers = ReadonlyMap<string, string>;

function routeForReal(signal: Signal, rules: readonly RuleSpec[], pools: Pools): RouteForReal {
  const shapes = Object.entries(pools).map(
    ([name, pool]) => [name, { division: compiled(pool.division), fallback: pool.fallback }] as const,
  );
  const plan = compileRoutes(rules, undefined, "refuse", new Map(shapes))[signal];
  const views = plan.pools.map(({ name }) => {
    const { down, full, whenDown, division } = pools[name as keyof Pools]; // oxlint-disable-line typescript/no-unsafe-type-assertion -- rules name no others
    const usableFor = (channel: number): boolean => !down.includes(division.kind === "cases" ? channel : 0);
    return { refresh: () => undefined, usableFor, whenDown, hasAnyRoom: () => !full, ownerOf };
  });
  const router = new Router(plan, views, createMetrics());
  const envelope = new Envelope();
  return (bytes, headers) => {
    const delivered: Delivered = new Map();
    assert.ok(scanEnvelope(signal, bytes, envelope));
    router.route(envelope, REGION, senderHeaders([...headers]));
    assert.equal(router.problem, "");
    for (const draft of router.drafts) {
      const { items, points } = draft;
      assert.equal(
        draft.pointsOf.reduce((sum, one) => sum + one, 0),
        points,
      );
      const decoded = naiveItems(signal, decodeRequest(signal, Buffer.concat(draft.finish(envelope))));
      assert.equal(decoded.length, items);
      for (const item of decoded) put(delivered, `${plan.pools[draft.pool]!.name}/${draft.channel}`, item);
    }
    return delivered;
  };
}

for (const signal of SIGNALS) {
  test(`route ${signal}: every item goes to exactly the pools and channels that asking every rule and pool for it gives`, () => {
    const scenario = arbitraryEncoding(signal).chain((encoding) => {
      const vocabulary = vocabularyOf(naiveItems(signal, encoding.plain));
      const rules = arbitraryRules(vocabulary);
      const senders = fc.array(arbitraryHeaders, { minLength: 1, maxLength: 3 });
      return fc.record({ encoding: fc.constant(encoding), rules, pools: arbitraryPools(signal, vocabulary), senders });
    });
    fc.assert(
      fc.property(scenario, ({ encoding, rules, pools, senders }) => {
        const route = routeForReal(signal, rules, pools);
        // One router meets all senders, each of them twice: with caches that are warm from the
        // others, too.
        for (const headers of [...senders, ...senders]) {
          const wanted: Delivered = new Map();
          for (const item of naiveItems(signal, encoding.plain)) {
            const { copies, place } = placeNaively(rules, pools, ownerOf, { ...item, headers });
            for (const one of place === undefined ? copies : [...copies, place]) put(wanted, one, item);
          }
          assert.deepEqual(sorted(route(encoding.bytes, headers)), sorted(wanted));
        }
      }),
      { numRuns: 400 },
    );
  });

  test(`cut ${signal}: what was routed is divided for another pool as if it had come for it`, () => {
    const scenario = arbitraryEncoding(signal).chain((encoding) => {
      const vocabulary = vocabularyOf(naiveItems(signal, encoding.plain));
      const division = arbitraryDivision(signal, vocabulary);
      return fc.record({ encoding: fc.constant(encoding), division, headers: arbitraryHeaders });
    });
    fc.assert(
      fc.property(scenario, ({ encoding, division, headers }) => {
        const wanted: Delivered = new Map();
        const all = naiveItems(signal, encoding.plain);
        for (const item of all) put(wanted, String(channelOf(division, { ...item, headers }, ownerOf)), item);
        const cut: Partitioner = createPartitioner(compiled(division), createMetrics());
        const origin = { region: REGION, headers: senderHeaders([...headers]) };
        const parts = cut(signal, encoding.bytes, origin, ownerOf) ?? [];
        const seen: Delivered = new Map();
        for (const { channel, pieces, items, bytes } of parts) {
          const joined = Buffer.concat(pieces);
          const decoded = naiveItems(signal, decodeRequest(signal, joined));
          assert.deepEqual([decoded.length, joined.length], [items, bytes]);
          for (const item of decoded) put(seen, String(channel), item);
        }
        assert.deepEqual(sorted(seen), sorted(wanted));
      }),
      { numRuns: 200 },
    );
  });
}

test("a long resource is not divided into more parts than its request may become, and nothing of it stays", () => {
  // 8 MiB of a resource that 100 items share, each of which has a channel of its own.
  const items = Array.from({ length: 100 }, (_, i) => ({ traceId: Buffer.alloc(16, i + 1) }));
  const resource = { attributes: [{ key: "k", value: { stringValue: "x".repeat(8 * 1_048_576) } }] };
  const bytes = encodeRequest("traces", { resourceSpans: [{ resource, scopeSpans: [{ spans: items }] }] });
  const division: Division = { kind: "key", key: { from: "trace_id" } };
  const pools = new Map([["p", { division, fallback: undefined }]]);
  const rule = { id: "r", priority: 0, signals: ["traces"], mode: "first", conditions: [], pool: "p" } as const;
  const plan = compileRoutes([rule], undefined, "refuse", pools).traces;
  let owner = 0;
  const view = {
    refresh: () => undefined,
    usableFor: () => true,
    whenDown: "hold",
    hasAnyRoom: () => true,
    ownerOf: () => owner++,
  } as const;
  const router = new Router(plan, [view], createMetrics());
  const envelope = new Envelope();
  assert.ok(scanEnvelope("traces", bytes, envelope));
  const before = process.memoryUsage().arrayBuffers;
  router.route(envelope, REGION);
  assert.equal(router.excess, "parts");
  assert.ok(process.memoryUsage().arrayBuffers - before < 200 * 1_048_576);
  router.release();
  assert.deepEqual(router.drafts, []);
});
