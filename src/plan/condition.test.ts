import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeMessage, type Plain } from "../../test/support/oracle/oracle.ts";
import type { Condition, Matcher, MatcherTest } from "../config/condition-type.ts";
import { seeValue, type Seen } from "../otlp/any-value.ts";
import { ItemFields } from "../otlp/item-fields.ts";
import { SIGNALS, type Signal } from "../otlp/signal.ts";
import { compileRoutes } from "./compile-routes.ts";
import { compileMatcher } from "./matcher.ts";
import { specialise } from "./specialise.ts";
import { senderHeaders } from "./sender-headers.ts";

const TYPE: Readonly<Record<Signal, string>> = { traces: "Span", metrics: "Metric", logs: "LogRecord" };

interface Item {
  readonly signal: Signal;
  readonly item: Plain;
  readonly scope?: string;
  readonly resource?: Readonly<Record<string, Seen>>;
  readonly region?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Whether the condition holds for an item, by the way that an item goes: compiled, specialised,
 * read, asked.
 */
function holds(
  condition: Condition,
  { signal, item, scope = "", resource = {}, region = "here", headers = {} }: Item,
): boolean {
  const rule = { id: "r", priority: 1, signals: SIGNALS, mode: "first", conditions: [condition], pool: "p" } as const;
  const plan = compileRoutes([rule], undefined, "refuse")[signal];
  const program = specialise(plan, {
    attributes: new Map(Object.entries(resource)),
    region,
    headers: senderHeaders(Object.entries(headers)),
  });
  const step = program.first;
  if (step === undefined || step.test === undefined) return step !== undefined;
  const encoded = encodeMessage(TYPE[signal], item);
  // Not at the beginning of its buffer, as items never are.
  const bytes = Buffer.concat([Buffer.from(scope), encoded, Buffer.from([0xff])]);
  const fields = new ItemFields();
  assert.ok(fields.read(signal, bytes, scope.length, scope.length + encoded.length, program.keys));
  fields.scopeNameStart = 0;
  fields.scopeNameEnd = scope.length;
  return step.test(fields);
}

function is(...tests: readonly MatcherTest[]): Matcher {
  return { tests };
}

function equals(value: string | number | boolean): Matcher {
  return is({ op: "equals", value });
}

function attribute(key: string, stringValue: string): Plain {
  return { key, value: { stringValue } };
}

const missing = is({ op: "exists", want: false });
const there = is({ op: "exists", want: true });
const TRACE = Buffer.alloc(16, 7);
const GAUGE: Plain = {
  name: "m",
  gauge: {
    dataPoints: [{ attributes: [attribute("k", "a")] }, { attributes: [attribute("k", "b"), attribute("j", "c")] }],
  },
};

const span = (item: Plain, more: Partial<Item> = {}): Item => ({ signal: "traces", item, ...more });
const log = (item: Plain, more: Partial<Item> = {}): Item => ({ signal: "logs", item, ...more });
const metric = (item: Plain, more: Partial<Item> = {}): Item => ({ signal: "metrics", item, ...more });

const cases: { name: string; condition: Condition; yes: Item[]; no: Item[] }[] = [
  {
    name: "span_kind",
    condition: { kind: "span_kind", kinds: [2, 3] },
    yes: [span({ kind: 2 }), span({ kind: 3 })],
    no: [span({ kind: 1 }), span({}), log({}), metric({ name: "m" })],
  },
  {
    name: "span_kind unspecified is also what is not there",
    condition: { kind: "span_kind", kinds: [0] },
    yes: [span({})],
    no: [span({ kind: 1 })],
  },
  {
    name: "span_status",
    condition: { kind: "span_status", codes: [2] },
    yes: [span({ status: { code: 2, message: "x" } })],
    no: [span({ status: { code: 1 } }), span({ status: {} }), span({})],
  },
  {
    name: "severity",
    condition: { kind: "severity", match: is({ op: "gte", value: 17 }) },
    yes: [log({ severityNumber: 17 }), log({ severityNumber: 24 })],
    no: [log({ severityNumber: 16 }), log({}), span({})],
  },
  {
    name: "span_name by bytes",
    condition: { kind: "span_name", match: equals("GET /ü") },
    yes: [span({ name: "GET /ü" })],
    no: [span({ name: "GET /" }), span({ name: "GET /üx" }), span({}), metric({ name: "GET /ü" })],
  },
  {
    name: "span_name by pattern",
    condition: { kind: "span_name", match: is({ op: "glob", pattern: "GET *" }) },
    yes: [span({ name: "GET /x" })],
    no: [span({ name: "POST /x" }), span({})],
  },
  {
    name: "an empty name counts as missing",
    condition: { kind: "span_name", match: missing },
    yes: [span({}), span({ name: "" })],
    no: [span({ name: "a" })],
  },
  {
    name: "and so no empty text equals it",
    condition: { kind: "span_name", match: equals("") },
    yes: [],
    no: [span({}), span({ name: "a" })],
  },
  {
    name: "metric_name",
    condition: { kind: "metric_name", match: equals("m") },
    yes: [metric({ name: "m" })],
    no: [metric({ name: "mm" }), span({ name: "m" }), log({})],
  },
  {
    name: "scope_name",
    condition: { kind: "scope_name", match: equals("lib") },
    yes: [span({}, { scope: "lib" }), log({}, { scope: "lib" }), metric({ name: "m" }, { scope: "lib" })],
    no: [span({}, { scope: "lib2" }), span({})],
  },
  {
    name: "scope_name missing",
    condition: { kind: "scope_name", match: missing },
    yes: [span({})],
    no: [span({}, { scope: "lib" })],
  },
  {
    name: "attribute by bytes",
    condition: { kind: "attribute", key: "k", match: equals("a") },
    yes: [span({ attributes: [attribute("j", "x"), attribute("k", "a")] }), log({ attributes: [attribute("k", "a")] })],
    no: [span({ attributes: [attribute("k", "b")] }), span({ attributes: [attribute("kk", "a")] }), span({})],
  },
  {
    name: "of attributes with the same key the first counts",
    condition: { kind: "attribute", key: "k", match: equals("a") },
    yes: [span({ attributes: [attribute("k", "a"), attribute("k", "b")] })],
    no: [span({ attributes: [attribute("k", "b"), attribute("k", "a")] })],
  },
  {
    name: "attribute: values that are no texts are compared by their text",
    condition: { kind: "attribute", key: "k", match: equals("500") },
    yes: [span({ attributes: [{ key: "k", value: { intValue: "500" } }] })],
    no: [span({ attributes: [{ key: "k", value: { intValue: "501" } }] }), span({ attributes: [{ key: "k" }] })],
  },
  {
    name: "attribute: a text of more than 127 bytes",
    condition: { kind: "attribute", key: "k", match: equals("x".repeat(200)) },
    yes: [span({ attributes: [attribute("k", "x".repeat(200))] })],
    no: [span({ attributes: [attribute("k", "x".repeat(199))] })],
  },
  {
    name: "attribute: an array matches by one of its elements",
    condition: { kind: "attribute", key: "k", match: equals("a") },
    yes: [
      span({
        attributes: [{ key: "k", value: { arrayValue: { values: [{ intValue: "1" }, { stringValue: "a" }] } } }],
      }),
    ],
    no: [span({ attributes: [{ key: "k", value: { arrayValue: { values: [{ stringValue: "b" }] } } }] })],
  },
  {
    name: "attribute exists",
    condition: { kind: "attribute", key: "k", match: there },
    yes: [span({ attributes: [attribute("k", "")] }), span({ attributes: [{ key: "k" }] })],
    no: [span({}), span({ attributes: [attribute("K", "")] })],
  },
  {
    name: "attribute is missing",
    condition: { kind: "attribute", key: "k", match: missing },
    yes: [span({}), log({})],
    no: [span({ attributes: [attribute("k", "")] })],
  },
  {
    name: "a metric's attributes are those of any of its data points",
    condition: { kind: "attribute", key: "k", match: equals("b") },
    yes: [metric(GAUGE)],
    no: [metric({ name: "m", gauge: { dataPoints: [{ attributes: [attribute("k", "a")] }] } }), metric({ name: "m" })],
  },
  {
    name: "a metric lacks an attribute when no data point has it",
    condition: { kind: "attribute", key: "j", match: missing },
    yes: [metric({ name: "m" }), metric({ name: "m", sum: { dataPoints: [{}] } })],
    no: [metric(GAUGE)],
  },
  {
    name: "sample_rate of all traces",
    condition: { kind: "sample_rate", rate: 1 },
    yes: [span({ traceId: TRACE }), log({ traceId: TRACE })],
    no: [log({}), span({ traceId: TRACE.subarray(8) }), metric({ name: "m" })],
  },
  {
    name: "service_name, resource and region ask the resource",
    condition: {
      kind: "all",
      of: [
        { kind: "service_name", match: equals("s") },
        { kind: "resource", key: "n", match: is({ op: "lt", value: 5 }) },
        { kind: "region", match: equals("eu") },
      ],
    },
    yes: [span({}, { resource: { "service.name": "s", n: 4 }, region: "eu" })],
    no: [
      span({}, { resource: { "service.name": "s", n: 5 }, region: "eu" }),
      span({}, { resource: { n: 4 }, region: "eu" }),
      span({}, { resource: { "service.name": "s", n: 4 } }),
    ],
  },
  {
    name: "not holds for what lacks the thing",
    condition: { kind: "not", of: { kind: "span_kind", kinds: [2] } },
    yes: [span({ kind: 1 }), log({}), metric({ name: "m" })],
    no: [span({ kind: 2 })],
  },
  { name: "any of none holds for nothing", condition: { kind: "any", of: [] }, yes: [], no: [span({})] },
  { name: "all of none holds for everything", condition: { kind: "all", of: [] }, yes: [span({}), log({})], no: [] },
  {
    name: "any across resource and item",
    condition: {
      kind: "any",
      of: [
        { kind: "service_name", match: equals("s") },
        {
          kind: "all",
          of: [
            { kind: "span_kind", kinds: [2] },
            { kind: "not", of: { kind: "span_name", match: equals("a") } },
          ],
        },
      ],
    },
    yes: [span({ kind: 1 }, { resource: { "service.name": "s" } }), span({ kind: 2, name: "b" }), span({ kind: 2 })],
    no: [span({ kind: 2, name: "a" }), span({ kind: 1, name: "b" })],
  },
  {
    name: "a header is one text, and case of its value matters",
    condition: { kind: "header", key: "x-tenant", match: equals("gold") },
    yes: [span({}, { headers: { "x-tenant": "gold" } }), log({}, { headers: { "x-tenant": "gold", "x-more": "a" } })],
    no: [span({}), span({}, { headers: { "x-tenant": "Gold" } }), span({}, { headers: { "x-more": "gold" } })],
  },
  {
    name: "a header that is missing, and one that is empty",
    condition: { kind: "header", key: "x-tenant", match: { tests: [{ op: "exists", want: false }] } },
    yes: [span({}), metric({}, { headers: { other: "" } })],
    no: [span({}, { headers: { "x-tenant": "" } })],
  },
];
for (const { name, condition, yes, no } of cases) {
  test(`condition: ${name}`, () => {
    for (const item of yes) assert.equal(holds(condition, item), true, JSON.stringify(item));
    for (const item of no) assert.equal(holds(condition, item), false, JSON.stringify(item));
  });
}

/** AnyValues: integers around those where their varints become longer, doubles, texts, arrays. */
const VALUES: Plain[] = [
  ...[0, 1, 2, 127, 128, 499, 500, 501, 16_383, 16_384, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 31, 2 ** 53, -1, -500].map(
    (whole) => ({ intValue: String(whole) }),
  ),
  ...[0, 0.5, 499.5, 500, 500.5, -0.5, Number.NaN, Infinity].map((doubleValue) => ({ doubleValue })),
  ...["500", "", "x"].map((stringValue) => ({ stringValue })),
  { boolValue: true },
  {},
  { arrayValue: { values: [{ intValue: "499" }, { intValue: "501" }] } },
];
const BOUNDS = [0, 1, -1, 0.5, -0.5, 127, 128, 499.5, 500, 500.5, 16_384, 2 ** 28 - 1, 2 ** 28, 2 ** 60];

test("condition: numbers of attributes are compared as the matcher does that is given the decoded value", () => {
  for (const op of ["gt", "gte", "lt", "lte", "equals"] as const) {
    for (const value of BOUNDS) {
      for (const more of [[], [{ op: "lt", value: 501 }] as const]) {
        const match = is({ op, value }, ...more);
        for (const any of VALUES) {
          const bytes = encodeMessage("AnyValue", any);
          const want = compileMatcher(match)(seeValue(bytes, 0, bytes.length));
          const got = holds({ kind: "attribute", key: "k", match }, span({ attributes: [{ key: "k", value: any }] }));
          assert.equal(got, want, `${op} ${value} ${more.length} of ${JSON.stringify(any)}`);
        }
      }
    }
  }
});
