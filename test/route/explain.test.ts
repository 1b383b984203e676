import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { ItemFields } from "../../src/otlp/item-fields.ts";
import { indexItems, ItemIndex } from "../../src/otlp/items.ts";
import { joinResources, viewResource } from "../../src/otlp/resource.ts";
import { Envelope, scanEnvelope } from "../../src/otlp/scan.ts";
import { type Signal, SIGNALS } from "../../src/otlp/signal.ts";
import { compileRoutes } from "../../src/plan/compile-routes.ts";
import { createItemExplainer, type ConditionAnswer, type RuleAnswer } from "../../src/plan/explain-item.ts";
import type { RoutePlan } from "../../src/plan/route-plan.ts";
import { regionOf } from "../../src/plan/specialise.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";
import { arbitraryRules, naiveItems, REGION, vocabularyOf } from "./arbitrary-routes.ts";
import { holds } from "./naive.ts";
import { NO_HEADERS } from "../../src/plan/sender-headers.ts";

/** The answers for every item of a request, in order. */
function explainAll(plan: RoutePlan, signal: Signal, bytes: Uint8Array): RuleAnswer[][] {
  const explainer = createItemExplainer(plan);
  const envelope = new Envelope();
  assert.ok(scanEnvelope(signal, bytes, envelope));
  const index = new ItemIndex();
  const fields = new ItemFields();
  const all: RuleAnswer[][] = [];
  for (let r = 0; r < envelope.resources; r++) {
    const { attributes } = viewResource(joinResources(bytes, envelope.bodyStart[r]!, envelope.end[r]!));
    indexItems(bytes, envelope.bodyStart[r]!, envelope.end[r]!, index);
    for (let i = 0; i < index.items; i++) {
      assert.ok(fields.read(signal, bytes, index.bodyStart[i]!, index.end[i]!, explainer.keys));
      fields.scopeNameStart = index.nameStart[index.scopeOf[i]!]!;
      fields.scopeNameEnd = index.nameEnd[index.scopeOf[i]!]!;
      all.push(explainer.explain({ attributes, region: regionOf(attributes, REGION), headers: NO_HEADERS }, fields));
    }
  }
  return all;
}

function leavesOf(answer: ConditionAnswer): readonly ConditionAnswer[] {
  return answer.parts.length === 0 ? [answer] : answer.parts.flatMap(leavesOf);
}

for (const signal of SIGNALS) {
  test(`explain ${signal}: each rule says of each item what asking its conditions one by one gives`, () => {
    const scenario = arbitraryEncoding(signal).chain((encoding) =>
      fc.record({
        encoding: fc.constant(encoding),
        rules: arbitraryRules(vocabularyOf(naiveItems(signal, encoding.plain))),
      }),
    );
    fc.assert(
      fc.property(scenario, ({ encoding, rules }) => {
        const plan = compileRoutes(rules, "p0", "refuse")[signal];
        const items = naiveItems(signal, encoding.plain);
        const answers = explainAll(plan, signal, encoding.bytes);
        assert.equal(answers.length, items.length);
        for (const [i, item] of items.entries()) {
          for (const { rule, condition } of answers[i]!) {
            const written = rules.find(({ id }) => id === rule.id);
            assert.equal(condition.holds, written === undefined || written.conditions.every((one) => holds(one, item)));
            for (const leaf of leavesOf(condition)) assert.notEqual(leaf.text, "");
          }
        }
      }),
      { numRuns: 200 },
    );
  });
}

test("explain tells what each condition asked, and where each pool would put the item", () => {
  const rules = compileRoutes(
    [
      {
        id: "gold",
        priority: 500,
        signals: ["logs"],
        mode: "first",
        pool: "p",
        conditions: [
          { kind: "service_name", match: { tests: [{ op: "glob", pattern: "pay*" }] } },
          {
            kind: "not",
            of: { kind: "attribute", key: "user.tier", match: { tests: [{ op: "contains", text: "gold" }] } },
          },
          {
            kind: "any",
            of: [
              { kind: "span_kind", kinds: [2, 3] },
              { kind: "sample_rate", rate: 0.25 },
            ],
          },
        ],
      },
    ],
    undefined,
    "refuse",
    new Map([
      ["p", { division: { kind: "regions", regions: ["eu", "us"] }, fallback: "q" }],
      ["q", { division: { kind: "key", key: { from: "trace_id" } }, fallback: undefined }],
    ]),
  ).logs;
  const fields = new ItemFields();
  const explainer = createItemExplainer(rules);
  fields.read("logs", new Uint8Array(0), 0, 0, explainer.keys);
  const attributes = new Map([["service.name", "payments"]]);
  const [answer] = explainer.explain({ attributes, region: "us", headers: NO_HEADERS }, fields);
  assert.deepEqual(answer?.condition, {
    holds: false,
    text: "all of",
    seen: undefined,
    parts: [
      { holds: true, text: 'service_name fits "pay*"', seen: '"payments"', parts: [] },
      {
        holds: true,
        text: "not",
        seen: undefined,
        parts: [{ holds: false, text: 'attribute user.tier contains "gold"', seen: "nothing", parts: [] }],
      },
      {
        holds: false,
        text: "any of",
        seen: undefined,
        parts: [
          {
            holds: false,
            text: "span_kind is server or client (items of this signal have none)",
            seen: undefined,
            parts: [],
          },
          { holds: false, text: "trace is in the share 0.25", seen: "no trace id", parts: [] },
        ],
      },
    ],
  });
  assert.deepEqual(
    answer.pools.map(({ pool, channel, keyHash }) => [pool.name, channel, typeof keyHash]),
    [
      ["p", 1, "undefined"],
      ["q", undefined, "number"],
    ],
  );
});
