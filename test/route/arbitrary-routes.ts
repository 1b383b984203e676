import * as fc from "fast-check";
import type { Condition, Matcher, MatcherTest } from "../../src/config/condition-type.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import type { Plain } from "../support/oracle/oracle.ts";
import { attributesOf, resourcesOf, scopesOf } from "../support/oracle/walk.ts";
import type { NaiveItem } from "./naive.ts";

export const POOLS = ["p0", "p1", "p2"] as const;
export const REGION = "listener-region";
/** Lower-case names of headers that rules ask about, and values that they may have. */
export const HEADERS = ["x-tenant", "x-tier"] as const;
export const TENANTS = ["", "a", "b", "gold"] as const;

/** What one sender says in its headers. */
export const arbitraryHeaders: fc.Arbitrary<ReadonlyMap<string, string>> = fc
  .record({ "x-tenant": fc.constantFrom(...TENANTS), "x-tier": fc.constantFrom(...TENANTS) }, { requiredKeys: [] })
  .map((values) => new Map(Object.entries(values)));

/**
 * Texts, keys and numbers that the requests at hand really hold, so that conditions have something
 * to meet.
 */
export interface Vocabulary {
  readonly keys: readonly string[];
  readonly texts: readonly string[];
}

export function vocabularyOf(items: readonly NaiveItem[]): Vocabulary {
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

function equalTo(value: string): Matcher {
  return { tests: [{ op: "equals", value }] };
}

export function arbitraryCondition(vocabulary: Vocabulary): fc.Arbitrary<Condition> {
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
    fc.record({
      kind: fc.constant("header" as const),
      key: fc.constantFrom(...HEADERS),
      match: fc.oneof(match, fc.constantFrom(...TENANTS).map(equalTo)),
    }),
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

export function arbitraryRules(vocabulary: Vocabulary): fc.Arbitrary<RuleSpec[]> {
  const rule = fc.record({
    priority: fc.constantFrom(1, 2, 3),
    signals: fc.subarray([...SIGNALS], { minLength: 1 }),
    mode: fc.constantFrom("first", "first", "copy"),
    conditions: fc.array(arbitraryCondition(vocabulary), { maxLength: 2 }),
    pool: fc.constantFrom(...POOLS),
  });
  return fc.array(rule, { maxLength: 6 }).map((rules) => rules.map((spec, i) => ({ id: `r${i}`, ...spec })));
}

export function naiveItems(signal: Signal, plain: Plain): NaiveItem[] {
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
