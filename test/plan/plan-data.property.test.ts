import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mock, test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../src/config/schema/config.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { openDryRun } from "../../src/data/dry-run.ts";
import { bindPlan } from "../../src/plan/bind.ts";
import { compile } from "../../src/plan/compile.ts";
import type { PlanData } from "../../src/plan/plan-data.ts";
import { changeBetween, changedPlan } from "../../src/plan/plan-change.ts";
import { loadText } from "../config/load-text.ts";
import { aConfig, anItem, headersOf, requestOf, type TestItem } from "../explain/arbitrary-scene.ts";

const READER = { env: { HTTPS_PROXY: "http://ann:secret@proxy.example.com:1" } };

function loaded(text: string): Config {
  const { config, problems } = loadText(text);
  assert.ok(config !== undefined, problems.map(formatProblem).join("\n"));
  return config;
}

function dataOf(text: string): PlanData {
  const config = loaded(text);
  return compile(config, config.node, { version: 3, text });
}

function throughJson<Value>(data: Value): Value {
  return JSON.parse(JSON.stringify(data)) as Value;
}

/** What becomes of items on a data plane of this plan. */
async function explained(data: PlanData, items: readonly TestItem[]): Promise<unknown> {
  await using dryRun = await openDryRun(await bindPlan(data, READER));
  return items.map((item) =>
    dryRun.explain({
      signal: item.signal,
      bytes: requestOf([item]),
      region: "here",
      headers: headersOf(item),
      maxItems: 1,
    }),
  );
}

/** Values that say what no default does, some of which JSON knows only in another form. */
const aTarget = fc.record(
  {
    endpoint: fc.constantFrom("https://far.example.com:4317", "http://127.0.0.1:1", "https://[::1]:1"),
    protocol: fc.constantFrom("grpc", "http/protobuf"),
    transport: fc.constantFrom("own", "node"),
    resolve: fc.constantFrom("one", "all", "auto"),
    proxy: fc.constantFrom("none", "http://ann:secret@proxy:3128"),
    weight: fc.constantFrom(-0, 0, 7),
    slow_start: fc.constantFrom(-0, "1s"),
    tags: fc.dictionary(fc.string({ minLength: 1, unit: "binary" }), fc.string({ unit: "binary" }), { maxKeys: 2 }),
    headers: fc.constantFrom({}, { "X-Key": "text", "x-other": 'a "b"' }),
    forward_headers: fc.subarray(["X-Tenant", "x-key"]),
    statuses: fc.constantFrom({}, { 403: "retry", UNIMPLEMENTED: "final" }),
    ejection: fc.constantFrom({}, { success_rate: -0 }),
    health_check: fc.constantFrom(
      false,
      {},
      { type: "http", endpoint: "http://10.0.0.1:2", headers: { A: "b" } },
      { type: "grpc", service: "s" },
    ),
  },
  { requiredKeys: [] },
);
const conditions = fc.constantFrom<unknown>(
  { attribute: { key: "n", equals: -0 } },
  { attribute: { key: "n", gte: -0 } },
  { sample_rate: -0 },
  { service_name: { regex: "^s" } },
);

/**
 * A config with all kinds of targets; whole numbers beyond 2^53 are put in as text, which
 * JavaScript cannot.
 */
const aRichConfig = fc.tuple(aConfig, fc.array(aTarget, { maxLength: 3 }), conditions).map(([text, more, asked]) => {
  const config = JSON.parse(text) as { targets: object[]; rules: object[] };
  const targets = config.targets.map((target, i) => ({ ...target, ...more[i] }));
  const all = [asked, { attribute: { key: "n", equals: "HUGE" } }];
  const rules = [...config.rules, { id: "more", conditions: all, targets: ["a"] }];
  const written = JSON.stringify({ ...config, targets, rules }, (_, value: unknown) =>
    Object.is(value, -0) ? "NEGATIVE" : value,
  );
  return written.replaceAll('"HUGE"', "9223372036854775807").replaceAll('"NEGATIVE"', "-0");
});

test("plan data: whatever the config, JSON gives back the same, and what is bound of either does the same with items", async () => {
  await fc.assert(
    fc.asyncProperty(aRichConfig, fc.array(anItem, { minLength: 1, maxLength: 4 }), async (text, items) => {
      const data = dataOf(text);
      const again = throughJson(data);
      assert.deepStrictEqual(again, data);
      const [one, other] = [await bindPlan(data, READER), await bindPlan(again, READER)];
      assert.deepStrictEqual([...other.targets], [...one.targets]);
      assert.deepStrictEqual(await explained(again, items), await explained(data, items));
    }),
    { numRuns: 100 },
  );
});

const folder = new URL("../../examples/", import.meta.url);
const examples = readdirSync(folder).filter((name) => name.endsWith(".yaml") && !/broken|\.test\./u.test(name));
for (const name of examples) {
  test(`plan data: of ${name} JSON gives back the same`, () => {
    const data = dataOf(readFileSync(new URL(name, folder), "utf8"));
    assert.deepStrictEqual(throughJson(data), data);
  });
}

test("plan data: whatever the options of a plugin's strategy, JSON gives back the same", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (options) => {
      const pool = { targets: ["a"], strategy: { type: "plugin", name: "mine", options } };
      const targets = [{ id: "a", endpoint: "http://a.test:1" }];
      const text = JSON.stringify({ targets, default_pool: pool });
      fc.pre(loadText(text).config !== undefined); // whole numbers beyond 2^53 are refused
      const data = dataOf(text);
      assert.deepStrictEqual(throughJson(data), data);
    }),
  );
});

test("plan data: 10,000 rules are a few MB as JSON, which gives back what is bound to the same", async () => {
  const rules = Array.from({ length: 10_000 }, (_, i) => ({
    id: `rule-${i}`,
    conditions: [{ service_name: `service-${i}` }, { attribute: { key: "n", equals: i } }],
    pool: "p",
  }));
  const targets = [{ id: "a", endpoint: "http://a.test:1" }];
  const data = dataOf(JSON.stringify({ targets, pools: { p: { targets: ["a"] } }, rules, unmatched: "drop" }));
  const text = JSON.stringify(data);
  assert.ok(text.length < 4_000_000, String(text.length));
  const again = throughJson(data);
  const parse = mock.method(JSON, "parse");
  const { routes } = await bindPlan(again, READER);
  assert.equal(parse.mock.callCount(), 0);
  parse.mock.restore();
  assert.deepStrictEqual(again, data);
  const seen = [0, 1, 2].map((i) => routes.traces.candidates(`service-${i * 4_000}`));
  assert.deepEqual(seen, [[0], [4_000], [8_000]]);
});

const SPEC = dataOf('{"targets":[{"id":"a","endpoint":"http://a.test:1"}],"default_pool":{"targets":["a"]}}');

/** A plan of rules with these names; of the same name it is the same object. */
function planOf(names: readonly string[], version: number, known: Map<string, PlanData["rules"][number]>): PlanData {
  const rules = names.map((id) => {
    const rule = known.get(id) ?? { id, priority: 1, signals: [], mode: "first" as const, conditions: [], pool: id };
    known.set(id, rule);
    return rule;
  });
  return { ...SPEC, version, rules };
}

test("plan data: where some rules differ, the change gives the plan that all of it is, and rules that stay are the same objects", () => {
  const names = fc.array(fc.constantFrom("a", "ab", "b", 'q"\\n', "]}", "é\u2028"), { maxLength: 6 });
  const fill = Array.from({ length: 40 }, (_, i) => `fill-${i}`);
  fc.assert(
    fc.property(names, names, names, fc.boolean(), fc.boolean(), (left, middle, other, isFilled, isRead) => {
      const known = new Map<string, PlanData["rules"][number]>();
      const around = isFilled ? fill : [];
      const before = planOf([...around, ...left, ...middle], 1, known);
      const whole = planOf([...around, ...left, ...other], 22, known);
      const after = isRead ? throughJson(whole) : whole;
      const change = changeBetween(before, after);
      if (isFilled) assert.ok(change !== undefined && change.put.length <= other.length, JSON.stringify(change));
      if (change === undefined) return;
      const changed = changedPlan(before, throughJson(change));
      assert.deepStrictEqual(changed, throughJson(after));
      for (const [i] of around.entries()) assert.equal(changed.rules[i], before.rules[i]);
    }),
    { numRuns: 500 },
  );
});

test("plan data: compiling is pure: the config stays as it is, and gives the same again", () => {
  fc.assert(
    fc.property(aRichConfig, (text) => {
      const config = loaded(text);
      const before = JSON.stringify(config);
      const one = compile(config, config.node, { version: 1, text });
      const other = compile(config, config.node, { version: 1, text });
      assert.deepStrictEqual(other, one);
      assert.equal(JSON.stringify(config), before);
    }),
    { numRuns: 50 },
  );
});
