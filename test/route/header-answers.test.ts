import assert from "node:assert/strict";
import { test } from "node:test";
import { Router } from "../../src/data/route/route.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import { compileRoutes } from "../../src/plan/compile-routes.ts";
import { HeaderAnswers } from "../../src/plan/header-tests.ts";
import { type SenderHeaders, senderHeaders } from "../../src/plan/sender-headers.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { requestOf } from "../support/items.ts";

function tenant(name: string): SenderHeaders {
  return senderHeaders([["x-tenant", name]]);
}

/** A rule for each of so many tenants. */
function rules(tenants: number): RuleSpec[] {
  return Array.from({ length: tenants }, (_, i) => {
    const match = { tests: [{ op: "equals" as const, value: `t${i}` }] };
    const conditions = [{ kind: "header" as const, key: "x-tenant", match }];
    return { id: `r${i}`, priority: 1, signals: ["traces"], mode: "first", conditions, pool: `p${i}` };
  });
}

function open(tenants: number): { router: Router; envelope: Envelope; poolOf: (headers: SenderHeaders) => string } {
  const plan = compileRoutes(rules(tenants), "rest", "refuse").traces;
  const view = { refresh: () => undefined, usableFor: () => true, hasAnyRoom: () => true, ownerOf: () => 0 };
  const pools = plan.pools.map(() => ({ ...view, whenDown: "next_rule" as const }));
  const router = new Router(plan, pools, createMetrics());
  const envelope = new Envelope();
  return {
    router,
    envelope,
    poolOf: (headers) => plan.pools[router.route(envelope, "here", headers).drafts[0]!.pool]!.name,
  };
}

test("known resources: one bound for all senders together, however many values their headers have", () => {
  const { router, envelope, poolOf } = open(300);
  const services = Array.from({ length: 50 }, (_, i) => ({ name: "n", service: `s${i}` }));
  assert.ok(scanEnvelope("traces", requestOf("traces", services), envelope));
  for (let i = 0; i < 300; i++) {
    assert.equal(poolOf(tenant(`t${i}`)), `p${i}`);
    assert.ok(router.cache.size <= 8_192, String(router.cache.size)); // of 15,000 that there are
  }
});

test("known resources: senders whom no rule tells apart share what is known", () => {
  const { router, envelope, poolOf } = open(3);
  assert.ok(scanEnvelope("traces", requestOf("traces", [{ name: "n", service: "s" }]), envelope));
  for (let i = 3; i < 5_000; i++) assert.equal(poolOf(tenant(`t${i}`)), "rest");
  assert.equal(router.cache.size, 1);
});

test("of ten thousand rules that each ask for one value, a request looks at those of its own", () => {
  const plan = compileRoutes(rules(10_000), undefined, "refuse").traces;
  let asked = 0;
  const answers = new HeaderAnswers(
    plan.headerTests.map((one) => ({ ...one, holds: (value: string | undefined) => (asked++, one.holds(value)) })),
  );
  assert.equal(answers.of(tenant("t7000")), "7000;");
  assert.equal(answers.of(tenant("none")), ";");
  assert.equal(asked, 0);
});
