import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Condition } from "../config/condition-type.ts";
import { derivedList } from "../core/derived-list.ts";
import { SIGNALS } from "../otlp/signal.ts";
import type { RuleSpec } from "./compile-rule.ts";
import { compileRoutes, DEFAULT_RULE } from "./compile-routes.ts";

function rule(id: string, more: Partial<RuleSpec> = {}): RuleSpec {
  return { id, priority: 500, signals: SIGNALS, mode: "first", conditions: [], pool: "p", ...more };
}

function service(value: string): Condition {
  return { kind: "service_name", match: { tests: [{ op: "equals", value }] } };
}

test("rules are tried from the highest priority, equal ones in the order given, the default pool's last", () => {
  const rules = [
    rule("a"),
    rule("b", { priority: 100 }),
    rule("c", { priority: 1_000 }),
    rule("d"),
    rule("e", { priority: 500.5 }),
  ];
  const { traces } = compileRoutes(rules, "rest", "refuse");
  assert.deepEqual(
    traces.rules.map(({ id }) => id),
    ["c", "e", "a", "d", "b", DEFAULT_RULE],
  );
  assert.equal(traces.rules.at(-1)?.pool, "rest");
});

test("without a default pool there is no such rule, and what is unmatched is treated as was said", () => {
  const { logs } = compileRoutes([rule("a")], undefined, "drop");
  assert.deepEqual([logs.rules.length, logs.unmatched], [1, "drop"]);
});

test("rules that ask the same of a resource share what asks it, whatever their signals", () => {
  const { traces, logs } = compileRoutes(
    [
      rule("a", { conditions: [service("x")] }),
      rule("b", { conditions: [service("x")], signals: ["logs"] }),
      rule("c", { conditions: [service("y")], signals: ["logs"] }),
    ],
    undefined,
    "drop",
  );
  assert.equal(logs.rules[1]?.condition, traces.rules[0]?.condition);
  assert.notEqual(logs.rules[2]?.condition, traces.rules[0]?.condition);
});

test("signals of the same rules share what follows from them; another rule for one of them is that one's", () => {
  const rules = [rule("a", { conditions: [service("x")] }), rule("b")];
  const { traces, metrics, logs } = compileRoutes(rules, "rest", "drop");
  assert.equal(traces.rules, metrics.rules);
  assert.equal(traces.poolOf, logs.poolOf);
  const other = compileRoutes([...rules, rule("c", { signals: ["logs"] })], "rest", "drop");
  assert.deepEqual(
    [other.traces.rules === other.metrics.rules, other.logs.rules.length, other.traces.rules.length],
    [true, 4, 3],
  );
  assert.deepEqual([other.traces.others, other.logs.others], [["c"], []]);
});

test("a rule is in the plans of its signals only", () => {
  const plans = compileRoutes(
    [rule("a", { signals: ["logs"] }), rule("b", { signals: ["traces", "metrics"] })],
    undefined,
    "refuse",
  );
  const ids = SIGNALS.map((signal) => plans[signal].rules.map(({ id }) => id).join());
  assert.deepEqual(ids, ["b", "b", "a"]);
});

const lacking: { condition: Condition; in: string[] }[] = [
  { condition: { kind: "span_kind", kinds: [1] }, in: ["traces"] },
  { condition: { kind: "span_status", codes: [2] }, in: ["traces"] },
  { condition: { kind: "span_name", match: { tests: [] } }, in: ["traces"] },
  { condition: { kind: "severity", match: { tests: [] } }, in: ["logs"] },
  { condition: { kind: "metric_name", match: { tests: [] } }, in: ["metrics"] },
  { condition: { kind: "sample_rate", rate: 0.5 }, in: ["traces", "logs"] },
  { condition: { kind: "scope_name", match: { tests: [] } }, in: ["traces", "metrics", "logs"] },
  { condition: { kind: "not", of: { kind: "span_kind", kinds: [1] } }, in: ["traces", "metrics", "logs"] },
  { condition: { kind: "any", of: [{ kind: "span_kind", kinds: [1] }] }, in: ["traces", "metrics", "logs"] },
];
for (const { condition, in: signals } of lacking) {
  test(`a rule that asks for ${JSON.stringify(condition)} is kept for ${signals.join(", ")}`, () => {
    const plans = compileRoutes([rule("a", { conditions: [condition] })], undefined, "refuse");
    assert.deepEqual(
      SIGNALS.filter((signal) => plans[signal].rules.length === 1),
      signals,
    );
  });
}

test("candidates: those that ask for the service and those that ask for none, in order, whatever the rules", () => {
  const services = ["a", "b", "c", ""];
  const one = fc.record({
    service: fc.option(fc.constantFrom(...services), { nil: undefined }),
    priority: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 20 }), (specs) => {
      const rules = specs.map((spec, i) =>
        rule(`${i}`, {
          priority: spec.priority,
          conditions: spec.service === undefined ? [] : [service(spec.service)],
        }),
      );
      const { traces } = compileRoutes(rules, "rest", "refuse");
      for (const asked of [...services, "unknown"]) {
        const want = traces.rules.flatMap(({ onlyService }, i) =>
          onlyService === undefined || onlyService === asked ? [i] : [],
        );
        assert.deepEqual(traces.candidates(asked), want);
      }
      assert.deepEqual(
        traces.candidates(undefined),
        traces.rules.map((_, i) => i),
      );
    }),
  );
});

test("only a plain service name is indexed: a pattern, a list or a number is asked of every service", () => {
  const conditions: Condition[] = [
    { kind: "service_name", match: { tests: [{ op: "glob", pattern: "a*" }] } },
    { kind: "service_name", match: { tests: [{ op: "in", values: ["a"] }] } },
    { kind: "service_name", match: { tests: [{ op: "equals", value: 5 }] } },
  ];
  const rules = conditions.map((condition, i) => rule(`${i}`, { conditions: [condition] }));
  assert.deepEqual(compileRoutes(rules, undefined, "refuse").traces.candidates("b"), [0, 1, 2]);
});

/** What differs in a rule: few of each, so that they meet. */
const arbitraryRule = fc.record({
  priority: fc.constantFrom(500, 500, 500, 100, 1_000),
  pool: fc.constantFrom("p", "q", "r", "rest"),
  service: fc.constantFrom(undefined, "a", "b", "c"),
  tenant: fc.constantFrom(undefined, undefined, "x", "y"),
  ofSpans: fc.boolean(),
  signals: fc.constantFrom(SIGNALS, SIGNALS, ["logs"] as const, ["metrics", "logs"] as const),
});
type Drawn = ReturnType<(typeof arbitraryRule)["generate"]>["value"];

function drawn(id: string, { service: asked, tenant, ofSpans, ...more }: Drawn): RuleSpec {
  const conditions: Condition[] = asked === undefined ? [] : [service(asked)];
  if (tenant !== undefined)
    conditions.push({ kind: "header", key: "t", match: { tests: [{ op: "equals", value: tenant }] } });
  if (ofSpans) conditions.push({ kind: "span_kind", kinds: [1] });
  return rule(id, { ...more, conditions });
}

/** All but functions, and what the one of them answers. */
function told(plans: ReturnType<typeof compileRoutes>): unknown {
  const shared = [plans.traces.rules === plans.metrics.rules, plans.traces.rules === plans.logs.rules];
  const all = SIGNALS.map((signal) => {
    const { headerTests, ...rest } = plans[signal];
    const lists = { ...rest, candidates: undefined };
    const candidates = (name: string | undefined): readonly number[] => plans[signal].candidates(name);
    const headers = headerTests.map(({ key, exact }) => `${key} ${exact}`);
    return [lists, headers, ["a", "b", "c", "none", undefined].map(candidates)];
  });
  return [shared, plans.metrics.rules === plans.logs.rules, all];
}

for (const priorities of ["equal", "different"]) {
  test(`routes that are made of those before are those made anew, which stay as they were: ${priorities} priorities`, () => {
    const step = fc.record({
      at: fc.nat(20),
      cut: fc.nat(3),
      put: fc.oneof(
        { weight: 9, arbitrary: fc.array(arbitraryRule, { maxLength: 3 }) },
        { weight: 1, arbitrary: fc.array(arbitraryRule, { minLength: 17, maxLength: 20 }) },
      ),
      rest: fc.constantFrom(undefined, "rest", "s"),
      fallback: fc.constantFrom(undefined, "q", "s"),
    });
    fc.assert(
      fc.property(fc.array(arbitraryRule, { maxLength: 12 }), fc.array(step, { maxLength: 8 }), (first, steps) => {
        let count = 0;
        const made = (one: Drawn): RuleSpec =>
          drawn(`${count++}`, priorities === "equal" ? { ...one, priority: 500 } : one);
        let specs: readonly RuleSpec[] = first.map(made);
        let before = compileRoutes(specs, "rest", "refuse");
        for (const { at, cut, put, rest, fallback } of steps) {
          const was = told(before);
          const start = Math.min(at, specs.length);
          specs = derivedList(specs, start, Math.min(cut, specs.length - start), put.map(made));
          const pools = new Map([["p", { division: { kind: "none" } as const, fallback }]]);
          const after = compileRoutes(specs, rest, "drop", pools, before);
          assert.deepEqual(told(after), told(compileRoutes(specs, rest, "drop", pools)));
          assert.deepEqual(told(before), was);
          before = after;
        }
      }),
    );
  });
}

test("services that no rule asks for have one list, also those that other plans know; numbers of others go in time", () => {
  let before = compileRoutes([rule("a")], undefined, "refuse").traces;
  let routes: Parameters<typeof compileRoutes>[4];
  for (let i = 0; i < 2_500; i++) {
    const specs = [rule("a"), rule("b", { conditions: [service(`s${i}`)] })];
    routes = compileRoutes(specs, undefined, "refuse", undefined, routes);
    const { traces } = routes;
    assert.deepEqual([traces.candidates(`s${i}`), traces.candidates("none")], [[0, 1], [0]]);
    assert.equal(traces.candidates(`s${i - 1}`), traces.candidates("none"));
    assert.equal(before.candidates(`s${i}`), before.candidates("none"));
    before = traces;
  }
});
