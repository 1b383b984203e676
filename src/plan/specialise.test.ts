import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Condition, Matcher } from "../config/condition-type.ts";
import { type Seen, UNSEEN } from "../otlp/any-value.ts";
import { SIGNALS } from "../otlp/signal.ts";
import { compileRoutes } from "./compile-routes.ts";
import type { ProgramStep, ResourceFacts, ResourceProgram, RoutePlan } from "./route-plan.ts";
import { regionOf, Specialiser, specialise, stepsOf } from "./specialise.ts";
import { NO_HEADERS } from "./sender-headers.ts";

function service(value: string): Condition {
  return { kind: "service_name", match: { tests: [{ op: "equals", value }] } };
}

function attribute(key: string): Condition {
  return { kind: "attribute", key, match: { tests: [{ op: "equals", value: "x" }] } };
}

/** The rules r0, r1, ... and what is left of them for a resource. */
function left(rules: readonly (readonly Condition[])[], attributes: Readonly<Record<string, Seen>>): ResourceProgram {
  const specs = rules.map((conditions, i) => {
    return { id: `r${i}`, priority: 1, signals: SIGNALS, mode: "first", conditions, pool: "p" } as const;
  });
  const plan = compileRoutes(specs, undefined, "refuse").traces;
  return specialise(plan, { attributes: new Map(Object.entries(attributes)), region: "here", headers: NO_HEADERS });
}

/** `0 1?` : the rules that can match, with a question mark where the items are asked. */
function textOf(program: ResourceProgram): string {
  return stepsOf(program)
    .map(({ rule, test: asks }) => `${rule}${asks === undefined ? "" : "?"}`)
    .join(" ");
}

const cases: { name: string; rules: Condition[][]; resource: Record<string, Seen>; want: string; keys: number }[] = [
  {
    name: "what the resource answers is not asked of the items",
    rules: [[service("a")], [service("b")], []],
    resource: { "service.name": "a" },
    want: "0 2",
    keys: 0,
  },
  {
    name: "what cannot match any more is not asked at all",
    rules: [[service("b"), attribute("k")], [service("a"), attribute("k")], [attribute("j")]],
    resource: { "service.name": "a" },
    want: "1? 2?",
    keys: 2,
  },
  {
    name: "an attribute that several rules ask for is read once",
    rules: [[attribute("k")], [attribute("k"), attribute("k")], [{ kind: "not", of: attribute("k") }]],
    resource: {},
    want: "0? 1? 2?",
    keys: 1,
  },
  {
    name: "any that the resource settles needs no item",
    rules: [
      [{ kind: "any", of: [attribute("k"), service("a")] }],
      [{ kind: "any", of: [service("b"), attribute("k")] }],
    ],
    resource: { "service.name": "a" },
    want: "0 1?",
    keys: 1,
  },
  {
    name: "not of what the resource settles",
    rules: [[{ kind: "not", of: service("a") }], [{ kind: "not", of: { kind: "not", of: service("a") } }]],
    resource: { "service.name": "a" },
    want: "1",
    keys: 0,
  },
  {
    name: "what no item of the signal can meet is not asked",
    rules: [[{ kind: "any", of: [{ kind: "metric_name", match: { tests: [] } }] }], []],
    resource: {},
    want: "1",
    keys: 0,
  },
  {
    name: "a service name that is a number is compared by its text, as every attribute is",
    rules: [[service("5")], [service("6")]],
    resource: { "service.name": 5 },
    want: "0",
    keys: 0,
  },
  {
    name: "no service name matches no service, not even an empty one",
    rules: [[service("")], []],
    resource: {},
    want: "1",
    keys: 0,
  },
  {
    name: "an empty service name is one",
    rules: [[service("")], []],
    resource: { "service.name": "" },
    want: "0 1",
    keys: 0,
  },
];
for (const { name, rules, resource, want, keys } of cases) {
  test(`specialise: ${name}`, () => {
    const program = left(rules, resource);
    assert.deepEqual([textOf(program), program.keys?.size ?? 0], [want, keys]);
    assert.equal(program.whole, !want.includes("?"));
  });
}

test("specialise: the service is the name that requests are counted under", () => {
  assert.equal(left([], { "service.name": "a" }).service, "a");
  for (const other of [undefined, 5, ["a"], UNSEEN] as const) {
    assert.equal(left([], other === undefined ? {} : { "service.name": other }).service, "unknown");
  }
});

const regions: { attributes: Record<string, Seen>; want: string }[] = [
  { attributes: { region: "a", "cloud.region": "b" }, want: "a" },
  { attributes: { "cloud.region": "b" }, want: "b" },
  { attributes: { region: 5, "cloud.region": "b" }, want: "b" },
  { attributes: { region: ["a"] }, want: "listener" },
  { attributes: {}, want: "listener" },
];
for (const { attributes, want } of regions) {
  test(`region of ${JSON.stringify(attributes)}: ${want}`, () => {
    assert.equal(regionOf(new Map(Object.entries(attributes)), "listener"), want);
  });
}

const RULES = 200;

/**
 * A rule for each number, which asks an attribute of the item where the resource is not of that
 * number.
 */
function numbered(kind: "same" | "each"): RoutePlan {
  const conditions = (i: number): Condition[] => [
    ...(kind === "each"
      ? [{ kind: "not", of: { kind: "resource", key: "i", match: equals(String(i)) } } as const]
      : []),
    { kind: "attribute", key: `k${i % 20}`, match: equals(`v${i}`) },
  ];
  const specs = Array.from({ length: RULES }, (_, i) => {
    return { id: `r${i}`, priority: 1, signals: SIGNALS, mode: "first", conditions: conditions(i), pool: "p" } as const;
  });
  return compileRoutes(specs, undefined, "refuse").traces;
}

function equals(value: string): Matcher {
  return { tests: [{ op: "equals", value }] };
}

function numberedResource(i: number): ResourceFacts {
  const attributes = new Map([
    ["service.name", `s${i}`],
    ["i", String(i)],
  ]);
  return { attributes, region: "here", headers: NO_HEADERS };
}

test("specialise: resources of which the same is left to be asked share all of it", () => {
  const specialiser = new Specialiser(numbered("same"));
  const first = specialiser.specialise(numberedResource(0));
  specialiser.specialise(numberedResource(1)); // from the second on it is known what they have in common
  const { bytes } = specialiser;
  for (let i = 2; i < 2_000; i++) {
    const program = specialiser.specialise(numberedResource(i));
    assert.equal(program.first, first.first);
    assert.equal(program.keys, first.keys);
  }
  assert.equal(specialiser.bytes, bytes);
});

test("specialise: resources share what follows where they differ, and memory is counted once for all of them", () => {
  const specialiser = new Specialiser(numbered("each"));
  const steps = new Set<ProgramStep>();
  for (let i = 0; i < RULES; i++) {
    const own = stepsOf(specialiser.specialise(numberedResource(i)));
    assert.deepEqual(
      own.map(({ rule }) => rule),
      Array.from({ length: RULES }, (_, rule) => rule).filter((rule) => rule !== i),
    );
    for (const step of own) steps.add(step);
  }
  assert.ok(steps.size <= (RULES * RULES) / 2 + RULES, `${steps.size} steps`);
  assert.ok(specialiser.bytes >= steps.size * 100, `${specialiser.bytes} bytes for ${steps.size} steps`);
});

test("specialise: what is taken over into a generation is shared again, and counted again", () => {
  const specialiser = new Specialiser(numbered("each"));
  const old = specialiser.specialise(numberedResource(7));
  const { bytes } = specialiser;
  specialiser.forget();
  assert.equal(specialiser.bytes, 0);
  specialiser.adopt(old);
  assert.ok(specialiser.bytes >= bytes * 0.9, `${specialiser.bytes} after ${bytes}`);
  assert.equal(specialiser.specialise(numberedResource(7)).first, old.first);
  const tail = stepsOf(old).slice(1);
  const other = stepsOf(specialiser.specialise(numberedResource(0))).slice(7);
  assert.deepEqual(
    other.map(({ rule }) => rule),
    tail.slice(6).map(({ rule }) => rule),
  );
  assert.ok(other.every((step, at) => step === tail[at + 6]));
});

test("specialise: whatever is forgotten and taken over, a resource gets the program that it gets alone", () => {
  const plan = numbered("each");
  const doing = fc.oneof(
    fc.record({ kind: fc.constant("make" as const), i: fc.nat({ max: RULES + 3 }) }),
    fc.record({ kind: fc.constant("forget" as const), i: fc.nat() }),
    fc.record({ kind: fc.constant("adopt" as const), i: fc.nat() }),
  );
  fc.assert(
    fc.property(fc.array(doing, { maxLength: 25 }), (all) => {
      const specialiser = new Specialiser(plan);
      const made: ResourceProgram[] = [];
      for (const { kind, i } of all) {
        if (kind === "forget") specialiser.forget();
        if (kind === "adopt" && made.length > 0) specialiser.adopt(made[i % made.length]!);
        if (kind !== "make") continue;
        const program = specialiser.specialise(numberedResource(i));
        const alone = specialise(plan, numberedResource(i));
        assert.deepEqual(
          [textOf(program), program.keys?.size, program.whole],
          [textOf(alone), alone.keys?.size, alone.whole],
        );
        made.push(program);
      }
    }),
    { numRuns: 50 },
  );
});

test("specialise: rules are not asked again for resources that answer alike, whatever else they say", () => {
  let asked = 0;
  const plan = numbered("each");
  const counting: RoutePlan = {
    ...plan,
    candidates: (name) => {
      asked++;
      return plan.candidates(name);
    },
  };
  const specialiser = new Specialiser(counting);
  const programs = Array.from({ length: 500 }, (_, i) => {
    const attributes = new Map([["host", String(i)]]);
    return specialiser.specialise({ attributes, region: "here", headers: NO_HEADERS });
  });
  assert.equal(asked, 1);
  assert.equal(new Set(programs.map(({ first }) => first)).size, 1);
});
