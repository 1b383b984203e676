import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { Condition, Matcher, MatcherTest } from "../../src/config/condition-type.ts";
import { Router } from "../../src/data/route/route.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { compileRoutes, type RuleSpec } from "../../src/plan/compile-routes.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { decodeRequest, type Plain } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import { attributesOf, resourcesOf, scopesOf } from "../support/oracle/walk.ts";
import { type NaiveItem, routeNaively } from "./naive.ts";

const POOLS = ["p0", "p1", "p2"] as const;
const REGION = "listener-region";

/** Texts, keys and numbers that the requests at hand really hold, so that conditions have something to meet. */
interface Vocabulary {
  readonly keys: readonly string[];
  readonly texts: readonly string[];
}

function vocabularyOf(items: readonly NaiveItem[]): Vocabulary {
  const keys = new Set<string>(["no.such.key"]);
  const texts = new Set<string>(["", REGION]);
  for (const { item, resource, scopeName } of items) {
    for (const holder of [item, resource]) {
      for (const [key, value] of attributesOf(holder)) {
        keys.add(key);
        if (typeof value !== "symbol" && typeof value !== "object") texts.add(String(value));
      }
    }
    texts.add(scopeName);
    texts.add(String(item["name"] ?? ""));
  }
  return { keys: [...keys], texts: [...texts] };
}

function arbitraryMatcher({ texts }: Vocabulary): fc.Arbitrary<Matcher> {
  const text = fc.constantFrom(...texts);
  const plain = text.filter((t) => !/[*\\]/u.test(t));
  const ends = (t: string): string[] => [Array.from(t)[0] ?? "", Array.from(t).at(-1) ?? ""]; // whole characters: a pattern is well-formed text
  const glob = plain.map((t) => (t.length > 1 ? ends(t).join("*") : "*"));
  const one: fc.Arbitrary<MatcherTest> = fc.oneof(
    fc.record({ op: fc.constant("equals" as const), value: fc.oneof(text, fc.integer(), fc.boolean()) }),
    fc.record({ op: fc.constant("in" as const), values: fc.array(fc.oneof(text, fc.integer()), { maxLength: 3 }) }),
    fc.record({ op: fc.constant("contains" as const), text: text.map((t) => t.slice(0, 2)) }),
    fc.record({ op: fc.constant("glob" as const), pattern: glob }),
    fc.record({ op: fc.constant("regex" as const), pattern: fc.constantFrom("^.", "[0-9]+$", "a|e|i") }),
    fc.record({ op: fc.constant("exists" as const), want: fc.boolean() }),
    fc.record({ op: fc.constantFrom("gt", "gte", "lt", "lte"), value: fc.constantFrom(-1, 0, 9, 500) }),
  );
  return fc.record({ tests: fc.array(one, { maxLength: 2 }) });
}

function arbitraryCondition(vocabulary: Vocabulary): fc.Arbitrary<Condition> {
  const match = arbitraryMatcher(vocabulary);
  const key = fc.constantFrom(...vocabulary.keys);
  const exactly = fc.constantFrom(...vocabulary.texts).map((value): Matcher => ({ tests: [{ op: "equals", value }] }));
  const numbers = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });
  const leaf: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({ kind: fc.constant("service_name" as const), match: fc.oneof(match, exactly) }),
    fc.record({ kind: fc.constant("resource" as const), key, match }),
    fc.record({ kind: fc.constant("region" as const), match: fc.oneof(match, exactly) }),
    fc.record({ kind: fc.constant("attribute" as const), key, match }),
    fc.record({ kind: fc.constantFrom("scope_name", "span_name", "metric_name"), match }),
    fc.record({ kind: fc.constant("severity" as const), match }),
    fc.record({ kind: fc.constant("span_kind" as const), kinds: numbers }),
    fc.record({ kind: fc.constant("span_status" as const), codes: numbers }),
    fc.record({ kind: fc.constant("sample_rate" as const), rate: fc.constantFrom(0, 0.3, 1) }),
  );
  return fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({ kind: fc.constantFrom("any", "all"), of: fc.array(tie("tree"), { maxLength: 3 }) }),
      fc.record({ kind: fc.constant("not" as const), of: tie("tree") }),
    ),
  })).tree;
}

function arbitraryRules(vocabulary: Vocabulary): fc.Arbitrary<RuleSpec[]> {
  const rule = fc.record({
    priority: fc.constantFrom(1, 2, 3),
    signals: fc.subarray([...SIGNALS], { minLength: 1 }),
    mode: fc.constantFrom("first", "first", "copy"),
    conditions: fc.array(arbitraryCondition(vocabulary), { maxLength: 2 }),
    pool: fc.constantFrom(...POOLS),
  });
  return fc.array(rule, { maxLength: 6 }).map((rules) => rules.map((spec, i) => ({ id: `r${i}`, ...spec })));
}

function naiveItems(signal: Signal, plain: Plain): NaiveItem[] {
  return resourcesOf(signal, plain).flatMap((resource) =>
    scopesOf(signal, resource).flatMap((scope) =>
      scope.items.map((item) => ({
        signal,
        resource: resource["resource"] as Plain | undefined,
        scopeName: scope.name,
        item: item.plain,
        listenerRegion: REGION,
      })),
    ),
  );
}

/** What each pool gets, as texts of items with all that surrounds them, sorted. */
type Delivery = Map<string, string[]>;

function put(into: Delivery, pool: string, items: readonly NaiveItem[]): void {
  const texts = items.map(({ resource, scopeName, item }) => JSON.stringify([resource ?? {}, scopeName, item]));
  into.set(pool, [...(into.get(pool) ?? []), ...texts].toSorted());
}

for (const signal of SIGNALS) {
  test(`route ${signal}: every item goes to exactly the pools that asking every rule for it gives`, () => {
    const scenario = arbitraryEncoding(signal).chain((encoding) =>
      fc.record({
        encoding: fc.constant(encoding),
        rules: arbitraryRules(vocabularyOf(naiveItems(signal, encoding.plain))),
        defaultPool: fc.constantFrom(undefined, "p0"),
        down: fc.subarray([...POOLS]),
      }),
    );
    fc.assert(
      fc.property(scenario, ({ encoding, rules, defaultPool, down }) => {
        const usable = (pool: string): boolean => !down.some((name) => name === pool);
        const wanted: Delivery = new Map();
        let unmatched = 0;
        for (const item of naiveItems(signal, encoding.plain)) {
          const { copies, pool } = routeNaively(rules, defaultPool, usable, item);
          for (const copy of copies) put(wanted, copy, [item]);
          if (pool === undefined) unmatched++;
          else put(wanted, pool, [item]);
        }
        const { delivery, unmatchedPoints } = routeForReal(signal, encoding.bytes, rules, defaultPool, usable);
        assert.deepEqual(sorted(delivery), sorted(wanted));
        if (signal !== "metrics") assert.equal(unmatchedPoints, unmatched);
      }),
      { numRuns: 400 },
    );
  });
}

function sorted(delivery: Delivery): [string, string[]][] {
  return [...delivery].filter(([, items]) => items.length > 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function routeForReal(
  signal: Signal,
  bytes: Uint8Array,
  rules: readonly RuleSpec[],
  defaultPool: string | undefined,
  usable: (pool: string) => boolean,
): { delivery: Delivery; unmatchedPoints: number } {
  const plan = compileRoutes(rules, defaultPool, "refuse")[signal];
  const pools = plan.pools.map(({ name }) => ({
    look: () => undefined,
    usableFor: () => usable(name),
    whenDown: "next_rule" as const,
    hasAnyRoom: true,
    ownerOf: () => 0,
  }));
  const router = new Router(plan, pools, createMetrics());
  const envelope = new Envelope();
  const delivery: Delivery = new Map();
  for (let round = 0; round < 2; round++) {
    delivery.clear(); // the second round meets a warm cache and drafts that were used before
    assert.ok(scanEnvelope(signal, bytes, envelope));
    router.route(envelope, REGION);
    assert.equal(router.problem, "");
    for (const draft of router.drafts) {
      const { items } = draft;
      const decoded = naiveItems(signal, decodeRequest(signal, Buffer.concat(draft.finish(envelope))));
      assert.equal(decoded.length, items);
      put(delivery, plan.pools[draft.pool]!.name, decoded);
    }
  }
  return { delivery, unmatchedPoints: router.unmatchedPoints };
}
