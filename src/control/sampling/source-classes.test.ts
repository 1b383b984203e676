import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, Matcher } from "../../config/condition-type.ts";
import type { ClassRule } from "../../plan/sampling-plan.ts";
import { MOST_OPERATIONS, type SourceClasses, sourceClasses } from "./source-classes.ts";

const equals = (value: string): Matcher => ({ tests: [{ op: "equals", value }] });
const service = (pattern: string): Condition => ({
  kind: "service_name",
  match: { tests: [{ op: "glob", pattern }] },
});
const span = (name: string): Condition => ({ kind: "span_name", match: equals(name) });
const FAILED: Condition = { kind: "span_status", codes: [2] };

function rule(name: string, ...conditions: readonly Condition[]): ClassRule {
  return { class: name, signals: ["traces"], conditions };
}

function classIn({ of }: SourceClasses, name: string, operation?: string): string | undefined {
  return of(name)(operation);
}

test("source classes: the first rule that takes all of a service, whatever others ask of its spans", () => {
  const classes = sourceClasses({
    rules: [
      { ...rule("logs"), signals: ["logs"] },
      rule("failed", FAILED),
      rule("failed-payment", service("payment*"), FAILED),
      rule("payment", service("payment*")),
      rule("canary", { kind: "resource", key: "k8s.pod", match: equals("canary") }),
      rule("debug", { kind: "resource", key: "service.name", match: equals("debug") }),
      rule("rest"),
    ],
  });
  assert.equal(classIn(classes, "payment-eu"), "payment");
  assert.equal(classIn(classes, "debug"), "debug");
  assert.equal(classIn(classes, "cart"), "rest");
  assert.equal(classIn(classes, ""), "rest");
});

test("source classes: what no rule takes for sure is of no class", () => {
  assert.equal(classIn(sourceClasses({ rules: [rule("failed", FAILED)] }), "cart"), undefined);
  assert.equal(classIn(sourceClasses({ rules: [] }), "cart"), undefined);
});

test("source classes: of conditions that are put together, what one part settles is settled", () => {
  const of = (condition: Condition): boolean =>
    classIn(sourceClasses({ rules: [rule("it", condition)] }), "a", "op") !== undefined;
  const [holds, fails] = [service("a"), service("b")];
  const cases: readonly (readonly [Condition, boolean])[] = [
    [{ kind: "all", of: [holds, FAILED] }, false],
    [{ kind: "any", of: [FAILED, holds] }, true],
    [{ kind: "any", of: [FAILED, fails] }, false],
    [{ kind: "not", of: fails }, true],
    [{ kind: "not", of: FAILED }, false],
    [{ kind: "not", of: { kind: "all", of: [FAILED, fails] } }, true],
    [{ kind: "all", of: [] }, true],
    [{ kind: "any", of: [] }, false],
    [{ kind: "not", of: { kind: "severity", match: { tests: [{ op: "gte", value: 17 }] } } }, true],
    [span("op"), true],
    [span("other"), false],
  ];
  for (const [condition, want] of cases) assert.equal(of(condition), want, JSON.stringify(condition));
});

test("source classes: names of spans are known as they are written, each once, and so many at most", () => {
  const both: Matcher = { tests: [{ op: "in", values: ["GET /a", "GET /b"] }] };
  const classes = sourceClasses({
    rules: [
      rule("health", { kind: "any", of: [span("GET /healthz"), { kind: "span_name", match: both }] }),
      rule("seen", service("cart"), { kind: "span_name", match: { tests: [{ op: "glob", pattern: "POST *" }] } }),
      rule("rest", { kind: "not", of: span("GET /a") }),
      rule("last"),
    ],
  });
  assert.deepEqual(classes.operations, ["GET /healthz", "GET /a", "GET /b"]);
  assert.equal(classIn(classes, "cart", "GET /b"), "health");
  assert.equal(classIn(classes, "cart", "POST /x"), "seen");
  assert.equal(classIn(classes, "cart", "PUT /x"), "rest");
  assert.equal(classIn(classes, "cart"), "last");
  const many = Array.from({ length: 300 }, (_, i) => rule("health", span(`op ${i}`)));
  assert.equal(sourceClasses({ rules: many }).operations.length, MOST_OPERATIONS);
});
