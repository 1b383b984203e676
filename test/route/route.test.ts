import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Router } from "../../src/data/route/route.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import { compileRoutes } from "../../src/plan/compile-routes.ts";
import { senderHeaders } from "../../src/plan/sender-headers.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import { arbitraryHeaders, arbitraryRules, naiveItems, POOLS, REGION, vocabularyOf } from "./arbitrary-routes.ts";
import { type NaiveItem, routeNaively } from "./naive.ts";

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
        senders: fc.array(arbitraryHeaders, { minLength: 1, maxLength: 4 }),
      }),
    );
    fc.assert(
      fc.property(scenario, ({ encoding, rules, defaultPool, down, senders }) => {
        const usable = (pool: string): boolean => !down.some((name) => name === pool);
        const route = routeForReal(signal, rules, defaultPool, usable);
        // One router meets all senders, each of them twice: with caches that are warm from the
        // others, too.
        for (const headers of [...senders, ...senders]) {
          const wanted: Delivery = new Map();
          let unmatched = 0;
          for (const item of naiveItems(signal, encoding.plain)) {
            const { copies, pool } = routeNaively(rules, defaultPool, usable, { ...item, headers });
            for (const copy of copies) put(wanted, copy, [item]);
            if (pool === undefined) unmatched++;
            else put(wanted, pool, [item]);
          }
          const { delivery, unmatchedPoints } = route(encoding.bytes, headers);
          assert.deepEqual(sorted(delivery), sorted(wanted));
          if (signal !== "metrics") assert.equal(unmatchedPoints, unmatched);
        }
      }),
      { numRuns: 400 },
    );
  });
}

function sorted(delivery: Delivery): [string, string[]][] {
  return [...delivery].filter(([, items]) => items.length > 0).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

type RouteForReal = (
  bytes: Uint8Array,
  headers: ReadonlyMap<string, string>,
) => { delivery: Delivery; unmatchedPoints: number };

function routeForReal(
  signal: Signal,
  rules: readonly RuleSpec[],
  defaultPool: string | undefined,
  usable: (pool: string) => boolean,
): RouteForReal {
  const plan = compileRoutes(rules, defaultPool, "refuse")[signal];
  const pools = plan.pools.map(({ name }) => ({
    refresh: () => undefined,
    usableFor: () => usable(name),
    whenDown: "next_rule" as const,
    hasAnyRoom: () => true,
    ownerOf: () => 0,
  }));
  const router = new Router(plan, pools, createMetrics());
  const envelope = new Envelope();
  return (bytes, headers) => {
    const delivery: Delivery = new Map();
    assert.ok(scanEnvelope(signal, bytes, envelope));
    router.route(envelope, REGION, senderHeaders([...headers]));
    assert.equal(router.problem, "");
    for (const draft of router.drafts) {
      const { items } = draft;
      const decoded = naiveItems(signal, decodeRequest(signal, Buffer.concat(draft.finish(envelope))));
      assert.equal(decoded.length, items);
      put(delivery, plan.pools[draft.pool]!.name, decoded);
    }
    return { delivery, unmatchedPoints: router.unmatchedPoints };
  };
}
