import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition, MatcherTest } from "../../src/config/condition-type.ts";
import { loadText } from "./load-text.ts";

function loadConditions(condition: string): {
  conditions: readonly Condition[] | undefined;
  problems: readonly string[];
} {
  const rule = `{ id: r, targets: [a], conditions: [${condition}] }`;
  const { config, problems } = loadText(
    `targets: [{ id: a, endpoint: "http://a:1" }]\nrules: [${rule}]\nunmatched: drop`,
  );
  const errors = problems.filter(({ severity: kind }) => kind === "error"); // what conditions mean is said elsewhere
  const below = errors.map(({ path, message }) => `${path.replace("rules[0].conditions[0]", "")}: ${message}`);
  return { conditions: config?.rules[0]?.conditions, problems: below };
}

function named(...tests: readonly MatcherTest[]): Condition {
  return { kind: "service_name", match: { tests } };
}

function severity(...tests: readonly MatcherTest[]): Condition {
  return { kind: "severity", match: { tests } };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const cases: readonly { readonly written: string; readonly want: Condition }[] = [
  { written: "service_name: shop", want: named({ op: "equals", value: "shop" }) },
  { written: 'service_name: "pay*"', want: named({ op: "glob", pattern: "pay*" }) },
  { written: String.raw`service_name: 'a\*b'`, want: named({ op: "equals", value: "a*b" }) },
  { written: String.raw`service_name: 'a\b'`, want: named({ op: "equals", value: "a\\b" }) },
  { written: "service_name: { equals: 'a*' }", want: named({ op: "equals", value: "a*" }) },
  {
    written: "service_name: { lte: 2, gt: 1, contains: x, regex: '^a', glob: a, in: [1, b, true], exists: true }",
    want: named(
      { op: "exists", want: true },
      { op: "in", values: [1, "b", true] },
      { op: "glob", pattern: "a" },
      { op: "contains", text: "x" },
      { op: "regex", pattern: "^a" },
      { op: "gt", value: 1 },
      { op: "lte", value: 2 },
    ),
  },
  { written: "span_kind: server", want: { kind: "span_kind", kinds: [2] } },
  { written: "span_kind: [client, unspecified, client]", want: { kind: "span_kind", kinds: [3, 0] } },
  { written: "span_status: error", want: { kind: "span_status", codes: [2] } },
  { written: "severity: ERROR", want: severity({ op: "in", values: range(17, 20) }) },
  { written: "severity: ERROR2", want: severity({ op: "in", values: [18] }) },
  { written: "severity: 9", want: severity({ op: "in", values: [9] }) },
  { written: "severity: { in: [TRACE, 24] }", want: severity({ op: "in", values: [1, 2, 3, 4, 24] }) },
  { written: "severity: { gte: ERROR }", want: severity({ op: "gte", value: 17 }) },
  { written: "severity: { gt: ERROR }", want: severity({ op: "gt", value: 20 }) },
  { written: "severity: { lte: ERROR }", want: severity({ op: "lte", value: 20 }) },
  { written: "severity: { lt: ERROR }", want: severity({ op: "lt", value: 17 }) },
  { written: "severity: { gt: ERROR3, lt: 23 }", want: severity({ op: "gt", value: 19 }, { op: "lt", value: 23 }) },
  {
    written: "attribute: { key: k }",
    want: { kind: "attribute", key: "k", match: { tests: [{ op: "exists", want: true }] } },
  },
  {
    written: "resource: { key: k, equals: false }",
    want: { kind: "resource", key: "k", match: { tests: [{ op: "equals", value: false }] } },
  },
  {
    written: "header: { key: X-Scope-OrgID, equals: Gold }",
    want: { kind: "header", key: "x-scope-orgid", match: { tests: [{ op: "equals", value: "Gold" }] } },
  },
  {
    written: "header: { key: authorization }",
    want: { kind: "header", key: "authorization", match: { tests: [{ op: "exists", want: true }] } },
  },
  { written: "sample_rate: 0.5", want: { kind: "sample_rate", rate: 0.5 } },
  {
    written: "{ span_kind: server, service_name: x }",
    want: { kind: "all", of: [named({ op: "equals", value: "x" }), { kind: "span_kind", kinds: [2] }] },
  },
  {
    written: "any: [{ sample_rate: 0 }, { sample_rate: 1 }]",
    want: {
      kind: "any",
      of: [
        { kind: "sample_rate", rate: 0 },
        { kind: "sample_rate", rate: 1 },
      ],
    },
  },
  { written: "not: { sample_rate: 1 }", want: { kind: "not", of: { kind: "sample_rate", rate: 1 } } },
  {
    written: "not: [{ sample_rate: 0 }, { not: { sample_rate: 1 } }]",
    want: {
      kind: "not",
      of: {
        kind: "all",
        of: [
          { kind: "sample_rate", rate: 0 },
          { kind: "not", of: { kind: "sample_rate", rate: 1 } },
        ],
      },
    },
  },
];
for (const { written, want } of cases) {
  test(`conditions: ${written}`, () => {
    const { conditions, problems } = loadConditions(written);
    assert.deepEqual(problems, []);
    assert.deepEqual(conditions, [want]);
  });
}

const faults = [
  { written: "header: { equals: a }", want: [".header.key: is required"] },
  { written: 'header: { key: "a b" }', want: [".header.key: is not a valid header name"] },
  {
    written: "not: { header: { key: Cookie, contains: session } }",
    want: [".not.header: cookie is a credential: rules may only ask whether it is there"],
  },
  {
    written: "any: [{ header: { key: authorization, equals: Bearer abc } }]",
    want: [".any[0].header: authorization is a credential: rules may only ask whether it is there"],
  },
  { written: "{}", want: [": needs a condition"] },
  { written: "service_name: {}", want: [".service_name: needs a test"] },
  { written: "service_name: { equal: x }", want: ['.service_name.equal: unknown key "equal"'] },
  { written: "service_nam: x", want: ['.service_nam: unknown key "service_nam"'] },
  {
    written: "service_name: [x]",
    want: [".service_name: expected a text or a number or true or false or a mapping, got a list"],
  },
  {
    written: "service_name: { regex: 'ab(?=c)' }",
    want: ['.service_name.regex: bad pattern: invalid or unsupported Perl syntax in "(?=" at character 3'],
  },
  {
    written: String.raw`service_name: { regex: '(a)\1' }`,
    want: [String.raw`.service_name.regex: bad pattern: invalid escape sequence in "\1" at character 4`],
  },
  { written: "service_name: { gt: high }", want: [".service_name.gt: expected a number, got a text"] },
  { written: "service_name: { gt: .inf }", want: [".service_name.gt: expected a number that can be counted with"] },
  { written: "span_kind: [servr]", want: ['.span_kind[0]: unknown value "servr"'] },
  { written: "severity: error", want: ['.severity: unknown value "error"'] },
  { written: "severity: 25", want: [".severity: must be at most 24"] },
  { written: "attribute: { gt: 1 }", want: [".attribute.key: is required"] },
  { written: "sample_rate: 1.5", want: [".sample_rate: must be within 0 and 1"] },
  { written: "any: []", want: [".any: must not be empty"] },
  { written: "not: [{ any: [{ sample_rate: 2 }] }]", want: [".not[0].any[0].sample_rate: must be within 0 and 1"] },
];
for (const { written, want } of faults) {
  test(`conditions: ${written} is a problem`, () => {
    const { conditions, problems } = loadConditions(written);
    assert.equal(conditions, undefined);
    assert.deepEqual(problems, want);
  });
}
