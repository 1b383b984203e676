import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/core/problem.ts";
import { Router } from "../../src/data/route/route.ts";
import { transcode } from "../../src/otlp/json/transcode.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { boundPlan } from "../support/bound-plan.ts";

const REGION = "here";

/** Whether an item meets a condition, all the way from the text of a config and from OTLP/JSON. */
function holds(signal: Signal, condition: string, request: object): boolean {
  const text = `
targets: [{ id: a, endpoint: http://127.0.0.1:14317 }]
rules: [{ id: asked, targets: [a], conditions: [${condition}] }]
default_pool: { targets: [a] }
`;
  const { config, problems } = loadConfig(text, { file: "rules", env: {}, readFile: String });
  assert.ok(config !== undefined, problems.map(formatProblem).join("\n"));
  const route = boundPlan(config).routes[signal];
  const open = { refresh: () => undefined, usableFor: () => true, hasAnyRoom: () => true, ownerOf: () => 0 };
  const pools = route.pools.map(() => ({ ...open, whenDown: "next_rule" as const }));
  const read = transcode(signal, Buffer.from(JSON.stringify(request)));
  assert.ok(read.ok);
  const envelope = new Envelope();
  assert.ok(scanEnvelope(signal, read.bytes, envelope));
  const router = new Router(route, pools, createMetrics());
  const [draft] = router.route(envelope, REGION).drafts;
  return route.rules[draft?.rules[0] ?? -1]?.id === "asked";
}

function span(more: object): object {
  const bare = { traceId: "0".repeat(31).concat("1"), spanId: "0".repeat(15).concat("1"), name: "n" };
  return { resourceSpans: [{ scopeSpans: [{ spans: [{ ...bare, ...more }] }] }] };
}

function spanWith(...values: readonly object[]): object {
  return span({ attributes: values.map((value) => ({ key: "k", value })) });
}

function metric(...texts: readonly string[]): object {
  const dataPoints = texts.map((stringValue) => ({ attributes: [{ key: "k", value: { stringValue } }] }));
  return { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: "m", gauge: { dataPoints } }] }] }] };
}

const LOG = { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] };
const TEXT_500 = spanWith({ stringValue: "500" });
const ARRAY = spanWith({ arrayValue: { values: [{ stringValue: "a" }, { intValue: "7" }] } });
const BYTES = spanWith({ bytesValue: "AA==" });

/** What docs/rules.md says, in its order. */
const cases: readonly (readonly [says: string, signal: Signal, condition: string, request: object, want: boolean])[] = [
  ["a span's kind takes no logs", "logs", "{ span_kind: unspecified }", LOG, false],
  ["turned around by not, it always holds", "logs", "{ not: { span_kind: unspecified } }", LOG, true],
  ["not of a list: not all of them hold", "traces", "{ not: [{ span_name: n }, { span_name: x }] }", span({}), true],
  ["a record without a severity is below TRACE", "logs", "{ severity: { lt: TRACE } }", LOG, true],
  ["without a trace id it belongs to no share", "logs", "{ sample_rate: 1 }", LOG, false],
  ["the region is the listener's otherwise", "traces", `{ region: ${REGION} }`, span({}), true],
  ["500 is the text", "traces", "{ attribute: { key: k, equals: 500 } }", TEXT_500, true],
  [
    "the text is the double",
    "traces",
    '{ attribute: { key: k, equals: "500" } }',
    spanWith({ doubleValue: 500 }),
    true,
  ],
  ["gte holds for numbers only", "traces", "{ attribute: { key: k, gte: 500 } }", TEXT_500, false],
  ["gte holds for an integer", "traces", "{ attribute: { key: k, gte: 500 } }", spanWith({ intValue: "500" }), true],
  ["an array matches by an element", "traces", "{ attribute: { key: k, gt: 6 } }", ARRAY, true],
  ["an array matches by its elements only", "traces", "{ attribute: { key: k, equals: b } }", ARRAY, false],
  ["missing matches exists: false", "traces", "{ attribute: { key: k, exists: false } }", span({}), true],
  ["missing matches nothing else", "traces", '{ attribute: { key: k, regex: "" } }', span({}), false],
  [
    "tests beside exists: false say nothing",
    "traces",
    "{ attribute: { key: k, exists: false, gt: 1 } }",
    span({}),
    true,
  ],
  ["an empty name is missing", "traces", "{ span_name: { exists: false } }", span({ name: "" }), true],
  ["bytes are there", "traces", "{ attribute: { key: k } }", BYTES, true],
  ["bytes cannot be compared", "traces", "{ attribute: { key: k, contains: A } }", BYTES, false],
  [
    "of two the first counts",
    "traces",
    "{ attribute: { key: k, equals: 1 } }",
    spanWith({ intValue: 1 }, { intValue: 2 }),
    true,
  ],
  [
    "and not the second",
    "traces",
    "{ attribute: { key: k, equals: 2 } }",
    spanWith({ intValue: 1 }, { intValue: 2 }),
    false,
  ],
  ["any data point will do", "metrics", "{ attribute: { key: k, equals: b } }", metric("a", "b"), true],
  ["no data point has it", "metrics", "{ attribute: { key: x, exists: false } }", metric("a", "b"), true],
  ["a glob fits the whole text", "traces", '{ span_name: "*/api" }', span({ name: "GET /api/x" }), false],
  ["a regex is found anywhere", "traces", "{ span_name: { regex: /api } }", span({ name: "GET /api/x" }), true],
];

for (const [says, signal, condition, request, want] of cases) {
  test(`docs/rules.md: ${says}`, () => assert.equal(holds(signal, condition, request), want));
}
