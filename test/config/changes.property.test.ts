import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkSchema } from "../../src/config/check-schema.ts";
import { normalise } from "../../src/config/normalise.ts";
import { substitute } from "../../src/config/substitute.ts";
import { findUnavailable } from "../../src/config/unavailable.ts";
import { validate } from "../../src/config/validate.ts";
import type { Finding } from "../../src/config/finding.ts";
import { derivedList } from "../../src/core/derived-list.ts";
import { MANY_ITEMS } from "../../src/core/recent-list.ts";
import { compile } from "../../src/plan/compile.ts";

const ENV = { POOL: "a" };

interface Examined {
  readonly told: readonly Finding[];
  readonly rules: readonly object[] | undefined;
  /** Those in place, too. */
  readonly pools?: readonly object[];
}

/** What a node makes of the values of a document. */
function examined(written: unknown): Examined {
  const { root, findings } = substitute(written, { env: ENV, readFile: () => "" });
  const { document, findings: schema } = checkSchema(root);
  const told = [...findings, ...schema, ...validate(root, document), ...findUnavailable(root)];
  if (told.some(({ severity }) => severity === "error") || document === undefined) return { told, rules: undefined };
  const config = normalise(document, (path) => path);
  const { rules, pools } = compile(config, config.node, { version: 1, text: "" });
  return { told, rules, pools };
}

const id = fc.nat(900).map((i) => (i < 50 ? `rule-${i}` : `new-${i}`));
const conditions = fc.oneof(
  { arbitrary: fc.nat(1_400).map((i) => [{ service_name: `service-${i}` }]), weight: 4 },
  fc.nat(10).map((i) => [{ service_name: `service-${i}` }, { resource: { key: "env", equals: "prod" } }]),
  fc.constantFrom([], [{ service_name: "service-1*" }], [{ sample_rate: 0 }], [{ span_kind: "server" }]),
);
const rule = fc.oneof(
  { arbitrary: fc.record({ id, conditions, pool: fc.constantFrom("a", "b") }), weight: 6 },
  fc.record({ id, conditions, pool: fc.constant("a"), priority: fc.constantFrom("high", "low", 700) }),
  fc.record({ id, conditions, pool: fc.constant("b"), signals: fc.constantFrom(["traces"], ["logs", "traces"]) }),
  fc.record({ id, conditions, pool: fc.constantFrom("c", "${env:POOL}", "${env:NONE}") }),
  fc.record({ id, conditions, targets: fc.constantFrom(["t"], ["u"]), ack: fc.constantFrom("delivered", "stored") }),
  fc.record({ id, conditions, pool: fc.constant("a"), pol: fc.constant("b"), mode: fc.constant("copy") }),
);
const change = fc.record({
  at: fc.nat(700),
  cut: fc.constantFrom(0, 1, 1, 1, 2),
  put: fc.array(rule, { maxLength: 2 }),
});

/** Not in the order of their priorities, so that they are put in order. */
const MIXED = 40;

const FIRST = Array.from({ length: MANY_ITEMS - 50 }, (_, i) => ({
  id: `rule-${i}`,
  conditions: [{ service_name: `service-${i}` }],
  pool: i % 2 === 0 ? "a" : "b",
}));
const UNORDERED = FIRST.map((one, i) => (i % MIXED === MIXED - 1 ? { ...one, priority: i } : one));
/** Behind all others, so that there are many, of which something is remembered. */
const REST = Array.from({ length: 100 }, (_, i) => ({
  id: `rest-${i}`,
  conditions: [{ service_name: `rest-${i}` }],
  pool: "a",
}));

function documentOf(rules: readonly unknown[]): unknown {
  const pools = { a: { targets: ["t"] }, b: { targets: ["t"] }, d: { targets: ["t"] } };
  return { targets: [{ id: "t", endpoint: "http://t:1" }], pools, rules, default_pool: "a" };
}

/** Without what is told of the rest. */
function textOf({ told, rules, pools }: Examined, length: number): string {
  const own = told.filter(({ path: [section, at] }) => section !== "rules" || typeof at !== "number" || at < length);
  return JSON.stringify([own, rules?.slice(0, length), pools], undefined, 1);
}

test("config: after any changes of many rules, warnings and plan are those of the document read for itself", () => {
  let right = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 4, maxLength: 10 }), fc.boolean(), (changes, isOrdered) => {
      let rules: readonly unknown[] = isOrdered ? FIRST : UNORDERED;
      let whole: readonly unknown[] = [...rules, ...REST];
      const lists: (readonly unknown[])[] = [];
      const told: string[] = [];
      for (const { at, cut, put } of changes) {
        const start = at % (rules.length + 1);
        const next = rules.toSpliced(start, cut, ...put);
        // As changes by the API are made, and as documents come that nothing is known of.
        const derived = derivedList(whole, start, Math.min(cut, rules.length - start), put);
        const nextWhole = at % 3 === 0 ? [...next, ...REST] : derived;
        const made = examined(documentOf(nextWhole));
        lists.push(next);
        told.push(textOf(made, next.length));
        if (made.rules === undefined) continue; // what is wrong is mended by the next change
        rules = next;
        whole = nextWhole;
        right++;
      }
      // So few that nothing of them is remembered.
      const anew = lists.map((list) => textOf(examined(documentOf(structuredClone(list))), list.length));
      for (const [i, text] of told.entries()) assert.equal(text, anew[i], `after change ${i}`);
    }),
    { numRuns: 8, endOnFailure: true },
  );
  assert.ok(right > 4, `only ${right} changes were right`);
});

test("config: a rule that is put among many is asked where its priority says", () => {
  const list: readonly unknown[] = [...FIRST, ...REST];
  const first = { id: "first", conditions: [{ service_name: "service-7" }], pool: "a", priority: "high" };
  const shadowed = (rules: readonly unknown[]): string[] =>
    examined(documentOf(rules)).told.flatMap(({ path, message }) =>
      path[0] === "rules" ? [`${path.join(".")} ${message}`] : [],
    );
  assert.deepEqual(shadowed(list), []);
  assert.deepEqual(shadowed(derivedList(list, list.length, 0, [first])), [
    'rules.7 is never reached: rule "first" matches all that it does first',
  ]);
  assert.deepEqual(shadowed(list), []);
  assert.deepEqual(shadowed(derivedList(list, list.length, 0, [{ ...first, priority: "low" }])), [
    `rules.${list.length} is never reached: rule "rule-7" matches all that it does first`,
  ]);
});

test("config: a rule among many may have targets of its own, and all but the rules may change", () => {
  const list: readonly unknown[] = [...FIRST, ...REST];
  const inPlace = derivedList(list, 3, 1, [{ id: "own", conditions: [], targets: ["t"] }]);
  const namesOf = ({ pools }: Examined): unknown[] => (pools ?? []).map((pool) => "name" in pool && pool.name);
  assert.deepEqual(namesOf(examined(documentOf(list))), ["a", "b", "d"]);
  assert.deepEqual(namesOf(examined(documentOf(inPlace))), ["a", "b", "d", "rule:own"]);
  assert.deepEqual(namesOf(examined(documentOf(list))), ["a", "b", "d"]);
  const written = documentOf(list) as Record<string, unknown>;
  for (const unmatched of ["drop", "refuse"] as const) {
    const { document } = checkSchema({ ...written, unmatched });
    assert.deepEqual([document?.unmatched, document?.rules.length], [unmatched, list.length]);
  }
  assert.equal(checkSchema({ ...written, unmatched: "no" }).document, undefined);
});

test("config: where more rules go than stay, what these have is still looked at", () => {
  const ack = "stored";
  const list = Array.from({ length: 3 * MANY_ITEMS }, (_, i) => ({ id: `rule-${i}`, targets: ["t"], ack }));
  const toldOf = (rules: readonly unknown[]): number =>
    findUnavailable(documentOf(rules)).filter(({ path }) => path.at(-1) === "ack").length;
  assert.equal(toldOf(list), list.length);
  assert.equal(toldOf(list.slice(0, MANY_ITEMS)), MANY_ITEMS);
  assert.equal(toldOf(list.slice(0, MANY_ITEMS)), MANY_ITEMS);
});
