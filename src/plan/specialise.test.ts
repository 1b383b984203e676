import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../config/condition-type.ts";
import { type Seen, UNSEEN } from "../otlp/any-value.ts";
import { SIGNALS } from "../otlp/signal.ts";
import { compileRoutes } from "./compile-routes.ts";
import type { ResourceProgram } from "./route-plan.ts";
import { regionOf, specialise } from "./specialise.ts";
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
function stepsOf({ steps }: ResourceProgram): string {
  return steps.map(({ rule, test: asks }) => `${rule}${asks === undefined ? "" : "?"}`).join(" ");
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
    assert.deepEqual([stepsOf(program), program.keys?.size ?? 0], [want, keys]);
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
