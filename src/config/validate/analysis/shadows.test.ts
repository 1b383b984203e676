import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { ConditionSchema } from "../../schema/condition.ts";
import { type Asked, findShadows, ShadowAnalysis } from "./shadows.ts";

const text = fc.constantFrom("a", "b", "ab", "c");
const matcher = fc.oneof(
  { arbitrary: text, weight: 4 },
  fc.constantFrom("a*", "*b", "*"),
  fc.uniqueArray(text, { minLength: 2, maxLength: 3 }).map((texts) => ({ in: texts })),
  fc.constantFrom({ regex: "^a" }, { contains: "b" }, { exists: false }),
);
const leaf = fc.oneof(
  { arbitrary: fc.record({ service_name: matcher }), weight: 4 },
  matcher.map((one) => ({ resource: { key: "k", ...(typeof one === "string" ? { equals: one } : one) } })),
  text.map((equals) => ({ attribute: { key: "k", equals } })),
  fc.constantFrom({ span_name: "a" }, { severity: { gte: "ERROR" } }),
);
const condition = fc.oneof(
  { arbitrary: leaf, weight: 5 },
  fc.tuple(leaf, leaf).map((any) => ({ any })),
  leaf.map((not) => ({ not })),
);
const asked: fc.Arbitrary<Asked> = fc.record({
  conditions: fc.array(
    condition.map((written) => ConditionSchema.parse(written)),
    { maxLength: 2 },
  ),
  signals: fc.oneof(
    { arbitrary: fc.constant(ALL_SIGNALS), weight: 3 },
    fc.subarray([...ALL_SIGNALS], { minLength: 1 }),
  ),
  stops: fc.constantFrom(true, true, true, false),
});
const change = fc.record({ at: fc.nat(40), cut: fc.nat(2), put: fc.array(asked, { maxLength: 2 }) });

test("shadows: after any changes of a list, what is told of it is what a new look at all of it tells", () => {
  let updates = 0;
  let others = 0;
  const lists = fc.array(asked, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lists, fc.array(change, { minLength: 1, maxLength: 8 }), (first, changes) => {
      const analysis = new ShadowAnalysis();
      let list: readonly Asked[] = first;
      let told = reachesOf(analysis, list);
      for (const { at, cut, put } of changes) {
        const start = at % (list.length + 1);
        const end = Math.min(start + cut, list.length);
        const rest = namesOf(told.slice(end), list);
        list = list.toSpliced(start, cut, ...put).map((entry) => ({ ...entry }));
        const looks = analysis.looks;
        told = reachesOf(analysis, list);
        assert.deepEqual(namesOf(told, list), namesOf(findShadows(list), list));
        if (analysis.looks !== looks) continue;
        updates++;
        const isOther = (kind: unknown, i: number): boolean => typeof kind !== typeof rest[i];
        if (namesOf(told.slice(start + put.length), list).some(isOther)) others++;
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(updates > 500, `all of the list was looked at after nearly all changes: not after ${updates}`);
  assert.ok(others > 100, `what becomes of entries that stayed changed only ${others} times`);
});

function reachesOf(analysis: ShadowAnalysis, list: readonly Asked[]): ReturnType<typeof findShadows<Asked>> {
  const told = new Map(analysis.unreached(list).map(({ at, reach }) => [at, reach]));
  return list.map((_, at) => told.get(at) ?? { kind: "reached" });
}

/** With places for what they name. */
function namesOf(reaches: ReturnType<typeof findShadows<Asked>>, list: readonly Asked[]): unknown[] {
  return reaches.map((reach) =>
    reach.kind === "shadowed" ? reach.by.map((entry) => list.indexOf(entry)) : reach.kind,
  );
}

function forService(name: string): Asked {
  const conditions = [{ service_name: name }, { resource: { key: "k", equals: "prod" } }];
  return { conditions: conditions.map((one) => ConditionSchema.parse(one)), signals: ALL_SIGNALS, stops: true };
}

test("shadows: where one of many changes, those are looked at that it takes something of, or took", () => {
  let list: readonly Asked[] = Array.from({ length: 1_000 }, (_, i) => forService(`s-${i}`));
  const analysis = new ShadowAnalysis();
  const told = (): unknown => {
    return analysis
      .unreached(list)
      .map(({ at, reach }) => [
        at,
        reach.kind === "shadowed" ? reach.by.map((entry) => list.indexOf(entry)) : reach.kind,
      ]);
  };
  told();
  for (const at of [0, 500, 999]) {
    list = list.with(at, forService(`other-${at}`));
    assert.deepEqual(told(), []);
  }
  list = [...list, forService("last")];
  assert.deepEqual(told(), []);
  list = list.with(9, forService("s-20"));
  assert.deepEqual(told(), [[20, [9]]]);
  list = list.with(700, forService("s-20"));
  assert.deepEqual(told(), [
    [20, [9]],
    [700, [9]],
  ]);
  list = list.with(9, forService("s-9"));
  assert.deepEqual(told(), [[700, [20]]], "the next one takes it");
  list = list.toSpliced(20, 1);
  assert.deepEqual(told(), [], "and nobody at last");
  assert.equal(analysis.looks, 1);
  list = [{ conditions: [], signals: ALL_SIGNALS, stops: true }, ...list];
  assert.equal(analysis.unreached(list).length, 1_000);
  assert.equal(analysis.looks, 2, "of more than a few: all");
});
