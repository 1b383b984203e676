import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { derivedList } from "../../../core/derived-list.ts";
import { ALL_SIGNALS } from "../../schema/values.ts";
import { ConditionSchema } from "../../schema/condition.ts";
import type { Asked } from "./asked.ts";
import { findShadows, ShadowAnalysis } from "./shadows.ts";

/** As many as are kept by each text, or one more. */
function manyTexts(count: number): string[] {
  return ["a", "b", ...Array.from({ length: count - 2 }, (_, i) => `text-${i}`)];
}

const text = fc.constantFrom("a", "b", "ab", "c");
const matcher = fc.oneof(
  { arbitrary: text, weight: 4 },
  fc.constantFrom("a*", "*b", "*"),
  fc.uniqueArray(text, { minLength: 2, maxLength: 3 }).map((texts) => ({ in: texts })),
  fc.constantFrom({ regex: "^a" }, { contains: "b" }, { exists: false }, { in: manyTexts(16) }, { in: manyTexts(17) }),
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
const change = fc.record({
  at: fc.nat(40),
  cut: fc.nat(2),
  put: fc.array(asked, { maxLength: 2 }),
  // Known to be made of the one before, of the same objects, or of others that ask the same.
  made: fc.constantFrom("derived", "derived", "plain", "copied"),
  isLookedAt: fc.constantFrom(true, true, true, false),
});

function changed(list: readonly Asked[], { at, cut, put, made }: Edit): readonly Asked[] {
  const start = at % (list.length + 1);
  if (made === "derived") return derivedList(list, start, Math.min(cut, list.length - start), put);
  const next = list.toSpliced(start, cut, ...put);
  return made === "plain" ? next : next.map((entry) => ({ ...entry }));
}

type Edit = typeof change extends fc.Arbitrary<infer One> ? One : never;

test("shadows: after any changes of a list, what is told of it is what a new look at all of it tells", () => {
  let updates = 0;
  let others = 0;
  const lists = fc.array(asked, { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(lists, fc.array(change, { minLength: 1, maxLength: 8 }), (first, changes) => {
      const analysis = new ShadowAnalysis();
      let list: readonly Asked[] = first;
      let known = kindsOf(reachesOf(analysis, list), list);
      for (const edit of changes) {
        list = changed(list, edit);
        if (!edit.isLookedAt) continue;
        const looks = analysis.looks;
        const told = reachesOf(analysis, list);
        assert.deepEqual(namesOf(told, list), namesOf(findShadows(list), list));
        const kinds = kindsOf(told, list);
        if (analysis.looks === looks) {
          updates++;
          if ([...kinds].some(([entry, kind]) => kind !== (known.get(entry) ?? kind))) others++;
        }
        known = kinds;
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(updates > 500, `all of the list was looked at after nearly all changes: not after ${updates}`);
  assert.ok(others > 100, `what becomes of entries that stayed changed only ${others} times`);
});

function reachesOf(analysis: ShadowAnalysis, list: readonly Asked[]): ReturnType<typeof findShadows<Asked>> {
  const unreached = analysis.unreached(list);
  assert.ok(
    unreached.every(({ at }, i) => i === 0 || unreached[i - 1]!.at < at),
    "in order",
  );
  const told = new Map(unreached.map(({ at, reach }) => [at, reach]));
  return list.map((_, at) => told.get(at) ?? { kind: "reached" });
}

/** By what stays of an entry that is copied. */
function kindsOf(reaches: ReturnType<typeof reachesOf>, list: readonly Asked[]): Map<unknown, string> {
  return new Map(reaches.map(({ kind }, i) => [list[i]!.conditions, kind]));
}

/** With places for what they name. */
function namesOf(reaches: ReturnType<typeof findShadows<Asked>>, list: readonly Asked[]): unknown[] {
  return reaches.map((reach) =>
    reach.kind === "shadowed" ? reach.by.map((entry) => list.indexOf(entry)) : reach.kind,
  );
}

function asks(...conditions: readonly unknown[]): Asked {
  return { conditions: conditions.map((one) => ConditionSchema.parse(one)), signals: ALL_SIGNALS, stops: true };
}

function forService(name: string): Asked {
  return asks({ service_name: name }, { resource: { key: "k", equals: "prod" } });
}

/** Those that are unreached, each with those before it. */
function toldOf(analysis: ShadowAnalysis, list: readonly Asked[]): unknown[] {
  return namesOf(reachesOf(analysis, list), list).flatMap((by, at) => (by === "reached" ? [] : [[at, by]]));
}

test("shadows: where one of many changes, those are looked at that it takes something of, or took", () => {
  let list: readonly Asked[] = Array.from({ length: 1_000 }, (_, i) => forService(`s-${i}`));
  const analysis = new ShadowAnalysis();
  const told = (): unknown => toldOf(analysis, list);
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

test("shadows: entries of which it is known that they stayed are not read again", () => {
  let reads = 0;
  const counted = (entry: Asked): Asked => ({
    get conditions() {
      reads++;
      return entry.conditions;
    },
    signals: entry.signals,
    stops: true,
  });
  const list = Array.from({ length: 1_000 }, (_, i) => counted(forService(`s-${i}`)));
  const analysis = new ShadowAnalysis();
  analysis.unreached(list);
  assert.ok(reads >= 1_000, `${reads} reads`);
  reads = 0;
  const changes = [forService("s-700"), forService("s-9"), forService("other")];
  const next = changes.reduce<readonly Asked[]>((before, put) => derivedList(before, 500, 1, [put]), list);
  assert.deepEqual(analysis.unreached(next), []);
  assert.deepEqual(analysis.unreached(derivedList(next, 500, 1, [forService("s-9")])).length, 1);
  assert.ok(reads <= 2, `${reads} reads: more than of the one that was replaced, from both ends`);
});

test("shadows: what is taken by one that is taken itself by and by, or no longer, is looked at again", () => {
  const [a, b, c] = ["a", "b", "c"].map((service_name) => asks({ service_name }));
  const list = [a!, b!, asks({ service_name: { in: ["a", "b", "c"] } }), asks({ service_name: { in: ["a", "b"] } })];
  const analysis = new ShadowAnalysis();
  assert.deepEqual(toldOf(analysis, list), [[3, [2]]]);
  const whole = [
    [3, [0, 1, 2]],
    [4, [0, 1]],
  ];
  assert.deepEqual(toldOf(analysis, list.toSpliced(2, 0, c!)), whole);
  assert.deepEqual(toldOf(analysis, list), [[3, [2]]]);
  assert.equal(analysis.looks, 1);
});

test("shadows: of long lists of texts, too, it is seen what others take", () => {
  const [some, all] = [16, 17].map((count) => asks({ service_name: { in: manyTexts(count) } }));
  const [other, last] = ["other", "text-14"].map((service_name) => asks({ service_name }));
  const analysis = new ShadowAnalysis();
  assert.deepEqual(toldOf(analysis, [other!, all!, last!]), [[2, [1]]]);
  assert.deepEqual(toldOf(analysis, [all!, other!, { ...all! }, last!]), [
    [2, [0]],
    [3, [0]],
  ]);
  assert.deepEqual(toldOf(analysis, [some!, other!, all!, last!]), [[3, [2]]]);
  assert.deepEqual(toldOf(analysis, [some!, { ...last! }, other!, all!, last!]), [
    [3, [0, 1]],
    [4, [1]],
  ]);
  assert.equal(analysis.looks, 1);
});

test("shadows: of texts and globs that begin as a glob does it is seen that it takes them", () => {
  const both = asks({ service_name: "a*" }, { service_name: "ab*e" });
  const services = ["ab*c", "abc", "b", "*a", { in: manyTexts(17).map((one) => `ab-${one}`) }, "abd"];
  const list = [asks({ service_name: "x*" }), ...services.map((service_name) => asks({ service_name })), both];
  const analysis = new ShadowAnalysis();
  assert.deepEqual(toldOf(analysis, list), [[2, [1]]]);
  const taken = [1, 2, 5, 6, 7].map((at) => [at, [0]]);
  assert.deepEqual(toldOf(analysis, list.with(0, asks({ service_name: "ab*" }))), taken);
  assert.deepEqual(toldOf(analysis, list), [[2, [1]]]);
  assert.equal(analysis.looks, 1);
});

test("shadows: all is looked at again where places have no numbers left, or not all was compared", () => {
  const crowded = new ShadowAnalysis();
  let list: readonly Asked[] = [forService("first"), forService("last")];
  crowded.unreached(list);
  for (let i = 0; i < 60; i++) {
    list = list.toSpliced(-1, 0, forService(i % 10 === 0 ? "last" : `s-${i}`));
    assert.deepEqual(toldOf(crowded, list), toldOf(new ShadowAnalysis(), list));
  }
  assert.equal(crowded.looks, 2);
  const globs = Array.from({ length: 600 }, (_, i) => asks({ service_name: `*-${i}-*` }));
  const tired = new ShadowAnalysis();
  assert.deepEqual(toldOf(tired, globs), []);
  assert.deepEqual(toldOf(tired, globs.with(9, forService("s"))), []);
  assert.equal(tired.looks, 2);
});

test("shadows: all is looked at again where not all could be compared in a change", () => {
  const either = (name: string): Asked => asks({ service_name: { in: ["a", name] } });
  const list = [
    ...Array.from({ length: 545 }, (_, i) => either(`s-${i}`)),
    asks({ service_name: { in: ["s-1", "a"] } }),
  ];
  const analysis = new ShadowAnalysis();
  assert.deepEqual(toldOf(analysis, list), [[545, [1]]]);
  // Each of which takes something of all the others.
  const more = Array.from({ length: 31 }, (_, i) => either(`more-${i}`));
  assert.deepEqual(toldOf(analysis, [...more, ...list]), [[576, [32]]]);
  assert.equal(analysis.looks, 2);
});
