import assert from "node:assert/strict";
import { test } from "node:test";
import { compileLimits } from "../../src/plan/compile-limits.ts";
import { compileLimitOf } from "../../src/plan/limits/limits-plan.ts";
import { loadText, outlineOf } from "./load-text.ts";

const TARGETS = `targets: [{ id: a, endpoint: "http://a:1" }]`;

/** Each is `global.rate_limiting`, on line 2. */
const problems: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  {
    name: "all of it",
    text: "{ max_qps: 10, per_service_limit: 5, key: { resource: tenant }, mixed: shed }",
    want: [],
  },
  {
    name: "nothing is 0 or less",
    text: '{ max_qps: 0, burst_size: 0, per_service_limit: -1, keys: { "a": 0 } }',
    want: ["max_qps", "burst_size", "per_service_limit", "keys.a"].map((key) => `error ${key}`),
  },
  {
    name: "a key of all that is limited is no key",
    text: "{ max_qps: 10, per_service_limit: 10 }",
    want: ["warning per_service_limit"],
  },
  {
    name: "without limits of keys it does not matter what a key is",
    text: "{ max_qps: 10, key: { header: x-scope-orgid }, mixed: shed }",
    want: ["warning key", "warning mixed"],
  },
  {
    name: "keys are shown to people: credentials are none",
    text: "{ max_qps: 10, per_service_limit: 5, key: { header: Authorization } }",
    want: ["error key.header"],
  },
];
for (const { name, text, want } of problems) {
  test(`limits are checked: ${name}`, () => {
    const found = outlineOf(loadText(`${TARGETS}\nglobal: { rate_limiting: ${text} }\n`, "test.yaml"));
    assert.deepEqual(
      found,
      want.map((one) => one.replace(/^(?<severity>\w+) /u, "2 $<severity> global.rate_limiting.")),
    );
  });
}

test("limits: a name goes before globs, the first of these decides, and a key's burst is as many seconds' worth", () => {
  const text = `${TARGETS}\nglobal: { rate_limiting: { max_qps: 1000, burst_size: 100, per_service_limit: 50,
  keys: { "pay*": 200, "*roll": 10, payroll: 5000, "lit\\\\*": 7 } } }\n`;
  const limits = compileLimits(loadText(text, "test.yaml").config?.global.rate_limiting);
  assert.ok(limits !== undefined);
  const of = compileLimitOf(limits);
  assert.deepEqual(of("payment"), { perSecond: 200, burst: 20 });
  assert.deepEqual(of("payroll"), { perSecond: 5_000, burst: 100 });
  assert.deepEqual(of("paproll"), { perSecond: 10, burst: 1 });
  assert.deepEqual(of("cart"), { perSecond: 50, burst: 5 });
  assert.deepEqual(of("lit*"), { perSecond: 7, burst: 0.7 });
  assert.equal(of("litx")?.perSecond, 50);
  assert.deepEqual(compileLimits({ max_qps: 5, key: "service", keys: {}, mixed: "refuse" })?.total, {
    perSecond: 5,
    burst: 5,
  });
});

test("limits: without per_service_limit only the keys that are named have one", () => {
  const limits = compileLimits({ max_qps: 10, key: "service", keys: { debug: 1 }, mixed: "refuse" });
  assert.ok(limits !== undefined);
  assert.equal(compileLimitOf(limits)("cart"), undefined);
  assert.equal(compileLimitOf(limits)("debug")?.perSecond, 1);
});
