import assert from "node:assert/strict";
import { inspect } from "node:util";
import { test } from "node:test";
import fc from "fast-check";
import type { ConditionInput } from "../../src/config/schema/condition.ts";
import type { Config } from "../../src/config/schema/config.ts";
import type { Seen } from "../../src/otlp/any-value.ts";
import { ItemFields } from "../../src/otlp/item-fields.ts";
import { SIGNALS, type Signal } from "../../src/otlp/signal.ts";
import { compileRoutes } from "../../src/plan/compile-routes.ts";
import { specialise, stepsOf } from "../../src/plan/specialise.ts";
import { encodeMessage, type Plain } from "../support/oracle/oracle.ts";
import { loadText } from "./load-text.ts";
import { senderHeaders } from "../../src/plan/sender-headers.ts";

const TEXTS = ["", "a", "b", "ab", "abc", "5", "7", "a\nb", "true"];
const text = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(-1, 0, 4.5, 5, 6, 7);
const scalar = fc.oneof(text, number, fc.boolean());
const glob = fc.constantFrom("a*", "*b", "*", "a*b", "*b*", "ab*", "b*a");
const regex = fc.constantFrom(
  "^a",
  "b$",
  "^ab$",
  "a",
  "",
  "^a.*",
  "a^b",
  "^$",
  "^[ab]$",
  "(?i)A",
  ".",
  "^a.*$",
  "b.*$",
);

const tests = fc.record(
  {
    equals: scalar,
    in: fc.array(scalar, { minLength: 1, maxLength: 3 }),
    glob,
    regex,
    contains: fc.constantFrom("a", "b", "ab"),
    exists: fc.boolean(),
    gt: number,
    gte: number,
    lt: number,
    lte: number,
  },
  { requiredKeys: [] },
);
const fewTests = fc
  .tuple(
    tests,
    fc.subarray(["equals", "in", "glob", "regex", "contains", "exists", "gt", "gte", "lt", "lte"], {
      minLength: 1,
      maxLength: 2,
    }),
  )
  .map(([all, keys]) => Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))))
  .filter((written) => Object.keys(written).length > 0);
const matcher = fc.oneof(text, glob, fewTests);
const level = fc.constantFrom<string | number>("INFO", "ERROR", "ERROR2", 0 + 1, 24, 17);
const severity = fc.oneof(
  level,
  fc
    .record({ gt: level, gte: level, lt: level, lte: level }, { requiredKeys: [] })
    .filter((o) => Object.keys(o).length > 0),
);
const kind = fc.constantFrom("unspecified" as const, "server" as const, "client" as const);

const leaf = fc.oneof(
  { arbitrary: fc.record({ service_name: matcher }), weight: 3 },
  {
    arbitrary: fc
      .tuple(fc.constantFrom("k", "j"), fc.oneof(fewTests, fc.constant({})))
      .map(([key, one]) => ({ attribute: { key, ...one } })),
    weight: 3,
  },
  fc.oneof(fewTests, fc.constant({})).map((one) => ({ resource: { key: "k", ...one } })),
  fc.record({ region: matcher }),
  fc.oneof(fewTests, fc.constant({})).map((one) => ({ header: { key: "X-Tenant", ...one } })),
  fc.record({ span_name: matcher }),
  fc.record({ metric_name: matcher }),
  fc.record({ scope_name: matcher }),
  fc.record({ span_kind: fc.oneof(kind, fc.uniqueArray(kind, { minLength: 1 })) }),
  fc.record({ span_status: fc.constantFrom("unset", "ok", "error") }),
  fc.record({ severity }),
  fc.record({ sample_rate: fc.constantFrom(0, 0.3, 0.7, 1) }),
);

const { condition } = fc.letrec<{ condition: ConditionInput }>((tie) => ({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the schema takes; it is parsed below
  condition: fc.oneof(
    { maxDepth: 2 },
    { arbitrary: leaf, weight: 6 },
    fc.record({ any: fc.array(tie("condition"), { minLength: 1, maxLength: 3 }) }),
    fc.record({ not: fc.oneof(tie("condition"), fc.array(tie("condition"), { minLength: 1, maxLength: 2 })) }),
    fc.tuple(leaf, leaf).map(([a, b]) => ({ ...a, ...b })),
  ) as fc.Arbitrary<ConditionInput>,
}));

const rule = fc.record({
  conditions: fc.array(condition, { maxLength: 2 }),
  signals: fc.uniqueArray(fc.constantFrom(...SIGNALS), { minLength: 1 }),
  mode: fc.constantFrom("first", "first", "first", "copy"),
  priority: fc.constantFrom(1, 1, 2),
});

interface Item {
  readonly signal: Signal;
  readonly resource: ReadonlyMap<string, Seen>;
  readonly region: string;
  readonly tenant: string | undefined;
  readonly scope: string;
  readonly item: Plain;
}

const value = fc.oneof(
  text.map((stringValue) => ({ stringValue })),
  fc.constantFrom(5, 7, 0).map((intValue) => ({ intValue })),
  number.map((doubleValue) => ({ doubleValue })),
  fc.boolean().map((boolValue) => ({ boolValue })),
  fc
    .uniqueArray(text, { maxLength: 2 })
    .map((list) => ({ arrayValue: { values: list.map((stringValue) => ({ stringValue })) } })),
  fc.constant({ bytesValue: Buffer.from("a") }),
);
const attributes = fc
  .subarray(["k", "j"])
  .chain((keys) => fc.tuple(...keys.map((key) => value.map((one) => ({ key, value: one })))));
const seen: fc.Arbitrary<Seen> = fc.oneof(scalar, fc.uniqueArray(text, { maxLength: 2 }));
const traceId = fc
  .oneof(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.constant(new Uint8Array(0)))
  .map((id) => Buffer.from(id));
const status = fc.constantFrom(0, 1, 2).map((code) => ({ code }));
const span = fc.record({ traceId, name: text, kind: fc.nat(5), status, attributes });
const log = fc.record({ traceId, severityNumber: fc.nat(24), attributes });
const metric = fc
  .record({ name: text, points: fc.array(attributes, { maxLength: 2 }) })
  .map(({ name, points }) => ({ name, gauge: { dataPoints: points.map((one) => ({ attributes: one })) } }));

const item: fc.Arbitrary<Item> = fc
  .tuple(
    fc.record({ "service.name": fc.oneof(text, text, number), k: seen }, { requiredKeys: [] }),
    fc.record({ region: text, scope: text, tenant: fc.oneof(text, fc.constant(undefined)) }),
    fc.oneof(
      span.map((one) => ({ signal: "traces" as const, item: one })),
      log.map((one) => ({ signal: "logs" as const, item: one })),
      metric.map((one) => ({ signal: "metrics" as const, item: one })),
    ),
  )
  .map(([resource, places, one]) => ({ resource: new Map(Object.entries(resource)), ...places, ...one }));

const TYPE: Readonly<Record<Signal, string>> = { traces: "Span", metrics: "Metric", logs: "LogRecord" };

/** Many rules ask for the same item. */
const encoded = new WeakMap<Item, Buffer>();

/** The name of its scope, and the item after it. */
function bytesOf(one: Item): Buffer {
  const known = encoded.get(one);
  if (known !== undefined) return known;
  const bytes = Buffer.concat([Buffer.from(one.scope), encodeMessage(TYPE[one.signal], one.item)]);
  encoded.set(one, bytes);
  return bytes;
}

type Ask = (item: Item) => readonly string[];

/**
 * Tells the rules that get an item, in order, when every pool can take it: copies, and the one that
 * stops.
 */
function askAll(rules: Config["rules"]): Ask {
  const plans = compileRoutes(rules, undefined, "refuse");
  const fields = new ItemFields();
  return (one) => {
    const { signal, resource, region, tenant, scope } = one;
    const bytes = bytesOf(one);
    const plan = plans[signal];
    const headers = senderHeaders(tenant === undefined ? [] : [["x-tenant", tenant]]);
    const program = specialise(plan, { attributes: resource, region, headers });
    const start = Buffer.byteLength(scope);
    assert.ok(fields.read(signal, bytes, start, bytes.length, program.keys));
    fields.scopeNameStart = 0;
    fields.scopeNameEnd = start;
    const ids: string[] = [];
    for (const { rule: index, test: holds } of stepsOf(program)) {
      if (holds !== undefined && !holds(fields)) continue;
      ids.push(plan.rules[index]?.id ?? "");
      if (plan.rules[index]?.mode === "first") break;
    }
    return ids;
  };
}

interface Told {
  readonly rules: Config["rules"];
  /** Ids of rules that are said to get nothing. */
  readonly nothing: ReadonlySet<string>;
  readonly shadowed: number;
}

/** What the analysis says of rules. */
function analyse(written: readonly object[]): Told {
  const rules = written.map((one, i) => ({ id: `r${i}`, pool: "p", ...one }));
  const document = { targets: [{ id: "a", endpoint: "http://a:1" }], pools: { p: { targets: ["a"] } }, rules };
  const { config, problems } = loadText(JSON.stringify(document));
  assert.ok(config !== undefined, JSON.stringify(problems));
  const shadowed = problems.filter(({ message }) => message.startsWith("is never reached")).length;
  return { rules: config.rules, nothing: saidToGetNothing(config.rules, problems), shadowed };
}

function assertTrue({ rules, nothing }: Told, items: readonly Item[]): void {
  if (nothing.size === 0) return;
  const ask = askAll(rules);
  for (const one of items) {
    // What is told is made only then: it costs more than all else here.
    for (const id of ask(one)) if (nothing.has(id)) assert.fail(`${id} got ${inspect(one, { depth: 8 })}`);
  }
}

/** Ids of rules that are said to get nothing, for whatever reason. */
function saidToGetNothing(rules: Config["rules"], problems: readonly { path: string; message: string }[]): Set<string> {
  const ids = new Set<string>();
  for (const { path, message } of problems) {
    const whole = /^rules\[(?<at>\d+)\]/u.exec(path)?.groups?.["at"];
    const isRequired = /^rules\[\d+\]\.conditions\[\d+\]\.[a-z_]+$/u.test(path) && !/\.(?:any|not)$/u.test(path);
    const says = /is never reached|never matches:/u.test(message) || (isRequired && message.startsWith("never holds"));
    const id = says ? rules[Number(whole)]?.id : undefined;
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

test("analysis: a rule that is said to be never reached, or never to match, gets no item, whatever is written and sent", () => {
  let told = 0;
  let shadowed = 0;
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 6 }),
      fc.array(item, { minLength: 40, maxLength: 40 }),
      (rules, items) => {
        const said = analyse(rules);
        told += said.nothing.size;
        shadowed += said.shadowed;
        assertTrue(said, items);
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(told > RUNS / 6 && shadowed > RUNS / 15, `too little was said to mean anything: ${told}, ${shadowed}`);
});

const RUNS = Number(process.env["RUNS"] ?? 300);
const VALUES: readonly Plain[] = [
  ...TEXTS.map((stringValue) => ({ stringValue })),
  ...[-1, 0, 4.5, 5, 5.5, 6, 6.5, 7, 8].map((doubleValue) => ({ doubleValue })),
  { boolValue: true },
  { bytesValue: Buffer.from("a") },
  { arrayValue: { values: [] } },
];
const SEEN: readonly Seen[] = [...TEXTS, -1, 0, 4.5, 5, 5.5, 6, 6.5, 7, 8, true];
const EMPTY_ITEM: Item = { resource: new Map(), region: "", tenant: undefined, scope: "", signal: "traces", item: {} };

function spanWith(attribute: Plain): Item {
  return { ...EMPTY_ITEM, item: { attributes: [{ key: "k", value: attribute }] } };
}

/**
 * Something that conditions ask for, and an item for each value that it can have, also none and,
 * where it may be, lists.
 */
const subjects: readonly {
  readonly name: string;
  readonly ask: (matcher: object) => object;
  readonly items: readonly Item[];
}[] = [
  {
    name: "an attribute",
    ask: (one) => ({ attribute: { key: "k", ...one } }),
    items: [
      EMPTY_ITEM,
      ...VALUES.map(spanWith),
      ...VALUES.flatMap((a) => VALUES.map((b) => spanWith({ arrayValue: { values: [a, b] } }))),
    ],
  },
  {
    name: "the service",
    ask: (one) => ({ service_name: one }),
    items: [
      EMPTY_ITEM,
      ...SEEN.map((name) => ({ ...EMPTY_ITEM, resource: new Map<string, Seen>([["service.name", name]]) })),
    ],
  },
  {
    name: "a name",
    ask: (one) => ({ span_name: one }),
    items: TEXTS.map((name) => ({ ...EMPTY_ITEM, item: { name } })),
  },
  {
    name: "a header",
    ask: (one) => ({ header: { key: "X-Tenant", ...one } }),
    items: [undefined, ...TEXTS].map((tenant) => ({ ...EMPTY_ITEM, tenant })),
  },
  { name: "the region", ask: (one) => ({ region: one }), items: TEXTS.map((region) => ({ ...EMPTY_ITEM, region })) },
  {
    name: "the data points of a metric",
    ask: (one) => ({ attribute: { key: "k", ...one } }),
    items: [undefined, ...VALUES].flatMap((a) =>
      [undefined, ...VALUES].map((b) => {
        const dataPoints = [a, b].map((one) => ({ attributes: one === undefined ? [] : [{ key: "k", value: one }] }));
        return { ...EMPTY_ITEM, signal: "metrics", item: { name: "m", gauge: { dataPoints } } };
      }),
    ),
  },
];

for (const { name, ask, items } of subjects) {
  test(`analysis: what is said of two rules that ask for ${name} is so for every value`, () => {
    let shadowed = 0;
    const literal = fc
      .tuple(fewTests, fc.constantFrom(true, true, false))
      .map(([one, wanted]) => (wanted ? ask(one) : { not: ask(one) }));
    const two = fc.oneof(
      { arbitrary: literal.map((one) => [one]), weight: 3 },
      fc.tuple(literal, literal),
      fc.tuple(literal, literal).map((any) => [{ any }]),
    );
    fc.assert(
      fc.property(two, two, (first, second) => {
        const signals = [items[0]?.signal];
        const said = analyse([
          { signals, conditions: first },
          { signals, conditions: second },
        ]);
        shadowed += said.shadowed;
        assertTrue(said, items);
      }),
      { numRuns: RUNS },
    );
    assert.ok(shadowed > RUNS / 30, `too little was said to mean anything: ${shadowed}`);
  });
}
