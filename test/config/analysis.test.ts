import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "./load-text.ts";

interface Case {
  readonly name: string;
  /** The rules of a config with the targets a and b in the pool p. */
  readonly rules: string;
  /** `path: beginning of the message`, of warnings only. */
  readonly want: readonly string[];
}

function warningsOf(text: string): string[] {
  const { config, problems } = loadText(text);
  assert.ok(config !== undefined, JSON.stringify(problems));
  assert.ok(problems.every(({ position }) => position !== undefined));
  return problems.map(({ path, message }) => `${path}: ${message}`);
}

function check(cases: readonly Case[], kind: string): void {
  for (const { name, rules, want } of cases) {
    test(`analysis: ${kind}: ${name}`, () => {
      const found = warningsOf(`
targets: [{ id: a, endpoint: "http://a:1" }, { id: b, endpoint: "http://b:1" }]
pools: { p: { targets: [a, b] } }
default_pool: p
rules:
${rules}`);
      assert.equal(found.length, want.length, found.join("\n"));
      for (const [i, line] of want.entries()) assert.ok(found[i]?.startsWith(line), `${found[i]}\nnot ${line}`);
    });
  }
}

/** Two rules after each other, the second of which is asked about. */
function pair(first: string, second: string): string {
  return `  - { id: first, pool: p, ${first} }\n  - { id: second, pool: p, ${second} }\n`;
}

function conditions(first: string, second: string): string {
  return pair(`conditions: [${first}]`, `conditions: [${second}]`);
}

const SHADOWED = ['rules[1]: is never reached: rule "first" matches all that it does first'];

const shadowed: readonly (readonly [string, string])[] = [
  ["service_name: x", "service_name: x"],
  ["service_name: x", "{ resource: { key: service.name, equals: x } }"],
  ["service_name: { in: [x, y] }", "service_name: x"],
  ["service_name: 'pay*'", "service_name: payment"],
  ["service_name: 'pay*'", "service_name: 'payment-*'"],
  ["service_name: '*a*'", "service_name: 'xay*'"],
  ["service_name: { contains: pay }", "service_name: { contains: payment }"],
  ["service_name: { regex: '^pay' }", "service_name: 'payment-*'"],
  ["service_name: { regex: '^pay.*' }", "service_name: { regex: '^payment$' }"],
  ["service_name: { regex: '^(a|b)+$' }", "service_name: { regex: '^(a|b)+$' }"],
  ["service_name: { regex: '^(a|b)+$' }", "service_name: { in: [abba, aa] }"],
  ["attribute: { key: k }", "attribute: { key: k, gt: 5 }"],
  ["attribute: { key: k, gte: 400 }", "attribute: { key: k, gt: 400, lt: 500 }"],
  ["attribute: { key: k, exists: false }", "not: { attribute: { key: k } }"],
  ["not: { attribute: { key: k, exists: false } }", "attribute: { key: k, contains: x }"],
  ["not: { service_name: x }", "service_name: y"],
  ["not: { service_name: 'x*' }", "not: { service_name: '*' }"],
  ["severity: { gte: WARN }", "severity: ERROR"],
  ["span_kind: [server, consumer]", "span_kind: server"],
  ["not: { span_kind: client }", "span_kind: server"],
  ["sample_rate: 0.5", "sample_rate: 0.25"],
  ["any: [{ service_name: x }, { span_name: s }]", "service_name: x"],
  ["any: [{ service_name: x }, { service_name: y }]", "service_name: { in: [x, y] }"],
  ["service_name: '*-api'", "{ service_name: 'shop-*-api', span_kind: server }"],
  ["not: [{ service_name: x }, { span_kind: server }]", "not: { service_name: x }"],
  ["any: [{ span_status: error }, { severity: { gte: ERROR } }]", "severity: FATAL"],
];
check(
  shadowed.map(([first, second]) => ({
    name: `${second}, after ${first}`,
    rules: conditions(first, second),
    want: SHADOWED,
  })),
  "shadowed",
);

const reached: readonly (readonly [string, string])[] = [
  ["service_name: x", "service_name: y"],
  ["service_name: payment", "service_name: 'pay*'"],
  ["service_name: 'payment-*'", "service_name: 'pay*'"],
  ["{ service_name: x, span_kind: server }", "service_name: x"],
  ["attribute: { key: k, gt: 5 }", "attribute: { key: k, equals: 7 }"],
  ["attribute: { key: k, gte: 400 }", "attribute: { key: k, gte: 399 }"],
  ["not: { attribute: { key: k, equals: x } }", "attribute: { key: k, equals: y }"],
  ["attribute: { key: k, glob: '*' }", "attribute: { key: k }"],
  ["resource: { key: k }", "attribute: { key: k }"],
  ["severity: { gt: ERROR }", "severity: { gte: ERROR }"],
  ["span_kind: server", "not: { span_kind: client }"],
  ["sample_rate: 1", "service_name: x"],
  ["service_name: { regex: '(?i)pay' }", "service_name: { regex: pay }"],
];
check(
  reached.map(([first, second]) => ({ name: `${second}, after ${first}`, rules: conditions(first, second), want: [] })),
  "reached",
);

check(
  [
    {
      name: "the earlier rule is for fewer signals",
      rules: pair("signals: [traces], conditions: [service_name: x]", "conditions: [service_name: x]"),
      want: [],
    },
    {
      name: "several rules take all between them, of signals and of values",
      rules: `  - { id: t, pool: p, signals: [traces], conditions: [service_name: { in: [x, z] }] }
  - { id: l, pool: p, signals: [logs, metrics], conditions: [service_name: 'x*'] }
  - { id: y, pool: p, conditions: [service_name: y] }
  - { id: late, pool: p, conditions: [service_name: { in: [x, y] }] }`,
      want: ['rules[3]: is never reached: rule "t" and rule "l" and rule "y" match all that it does first'],
    },
    {
      name: "priority counts, not the place in the file",
      rules: pair(
        "conditions: [{ service_name: x, span_kind: server }]",
        "priority: high, conditions: [service_name: x]",
      ),
      want: ['rules[0]: is never reached: rule "second"'],
    },
    {
      name: "a copy leaves everything to those after it",
      rules: pair("mode: copy, conditions: [service_name: x]", "conditions: [service_name: x]"),
      want: [],
    },
    {
      name: "a rule that matches everything",
      rules: `  - { id: all, pool: p, priority: high }\n  - { id: late, pool: p, mode: copy, conditions: [service_name: x] }`,
      want: ['rules[1]: is never reached: rule "all" matches everything first'],
    },
    {
      name: "a rule that can match nothing shadows nothing",
      rules: pair("conditions: [{ service_name: x }, { service_name: y }]", "conditions: [service_name: x]"),
      want: [
        'rules[0].conditions[1].service_name: rule "first" never matches: this and rules[0].conditions[0].service_name',
      ],
    },
  ],
  "order",
);

/** `{ service_name: s<i>, .. }` for each of them. */
function manyOf(key: string, count: number): string {
  return `any: [${Array.from({ length: count }, (_, i) => `${key}: s${i}`).join(", ")}]`;
}

check(
  [
    {
      name: "one of seventy, and the rest",
      rules: conditions("span_kind: server", `{ span_kind: server }, { ${manyOf("service_name", 70)} }`),
      want: SHADOWED,
    },
    {
      name: "sixty-five of seventy",
      rules: conditions("service_name: { in: [s0, s1] }", manyOf("service_name", 70)),
      want: [],
    },
    {
      name: "seventy of seventy-one",
      rules: conditions(manyOf("service_name", 66), manyOf("service_name", 71)),
      want: [],
    },
    {
      name: "ten by ten",
      rules: conditions(`{ ${manyOf("service_name", 10)} }, { ${manyOf("region", 10)} }`, manyOf("service_name", 10)),
      want: [],
    },
  ],
  "alternatives, more than are looked at",
);

function one(...written: readonly string[]): string {
  return `  - { id: r, pool: p, conditions: [${written.join(", ")}] }`;
}

const at = "rules[0].conditions[0]";
check(
  [
    {
      name: "a text that must be two",
      rules: one("service_name: { equals: x, in: [y, z] }"),
      want: [`${at}.service_name: never holds: no value meets equals and in`],
    },
    {
      name: "an empty range",
      rules: one("attribute: { key: k, gt: 5, lt: 5 }"),
      want: [`${at}.attribute: never holds: no number meets gt and lt`],
    },
    {
      name: "a text beside numbers",
      rules: one("attribute: { key: k, equals: five, gt: 4 }"),
      want: [`${at}.attribute: never holds: no value meets equals and gt`],
    },
    {
      name: "globs with other ends",
      rules: one("span_name: { glob: 'GET *', regex: '^POST' }"),
      want: [`${at}.span_name: never holds: no value meets glob and regex`],
    },
    {
      name: "a number asked of a name",
      rules: one("span_name: { gt: 5 }"),
      want: [`${at}.span_name: never holds: span_name is a text, and gt`],
    },
    {
      name: "an empty name",
      rules: one("scope_name: ''"),
      want: [`${at}.scope_name: never holds: an empty scope_name counts as missing`],
    },
    {
      name: "a pattern for the empty name",
      rules: one("span_name: { regex: '^$' }"),
      want: [`${at}.span_name: never holds`],
    },
    {
      name: "a pattern that wants something before the start",
      rules: one("service_name: { regex: 'a^b' }"),
      want: [`${at}.service_name: never holds: no text fits this pattern`],
    },
    {
      name: "a pattern that wants something after the end",
      rules: one("service_name: { regex: '^(a$|b$)c' }"),
      want: [`${at}.service_name: never holds: no text fits`],
    },
    {
      name: "an empty class",
      rules: one(String.raw`service_name: { regex: '[^\x00-\x{10FFFF}]' }`),
      want: [`${at}.service_name: never holds: no text fits`],
    },
    { name: "line ends are no ends", rules: one("service_name: { regex: '(?m)a$\\nb' }"), want: [] },
    {
      name: "a region that is not there",
      rules: one("region: { exists: false }"),
      want: [`${at}.region: never holds: there always is a region`],
    },
    {
      name: "no severity is above FATAL",
      rules: one("severity: { gt: FATAL }"),
      want: [`${at}.severity: never holds: no level`],
    },
    {
      name: "severities that exclude each other",
      rules: one("severity: { gte: ERROR, lt: WARN }"),
      want: [`${at}.severity: never holds: no level`],
    },
    { name: "a share of 0", rules: one("sample_rate: 0"), want: [`${at}.sample_rate: never holds: no trace`] },
    {
      name: "deep inside",
      rules: one("service_name: x", "any: [{ span_kind: server }, { not: [{ sample_rate: 0 }] }]"),
      want: ["rules[0].conditions[1].any[1].not[0].sample_rate: never holds"],
    },
    {
      name: "a span's kind asked of logs",
      rules: "  - { id: r, pool: p, signals: [logs], conditions: [span_kind: server] }",
      want: [`${at}.span_kind: never holds: logs have no span_kind, only traces have`],
    },
    {
      name: "a signal that is named in vain",
      rules: "  - { id: r, pool: p, signals: [traces, logs], conditions: [span_kind: server] }",
      want: ["rules[0].signals: this rule never matches logs: they have no span_kind"],
    },
    {
      name: "no signal has both",
      rules: one("span_kind: server", "severity: ERROR"),
      want: ['rules[0].conditions[1].severity: rule "r" never matches: no signal has span_kind and severity'],
    },
    {
      name: "two that exclude each other",
      rules: one("span_kind: server", "not: { span_kind: [server, client] }"),
      want: [
        'rules[0].conditions[1].not: rule "r" never matches: this and rules[0].conditions[0].span_kind exclude each other',
      ],
    },
    {
      name: "a list may have both",
      rules: one("attribute: { key: k, equals: x }", "attribute: { key: k, equals: y }"),
      want: [
        "rules[0].conditions[1].attribute: no single value meets this and rules[0].conditions[0].attribute: only a list can",
      ],
    },
    {
      name: "the same again",
      rules: one("service_name: x", "{ span_kind: server, service_name: x }"),
      want: ["rules[0].conditions[1].service_name: is there already"],
    },
    {
      name: "the same alternative again",
      rules: one("any: [{ service_name: x }, { span_kind: server }, { service_name: x }]"),
      want: [`${at}.any[2]: is there already`],
    },
    {
      name: "a part of an alternative again is no repetition",
      rules: one("any: [{ service_name: x, span_name: s }, { service_name: x, span_name: t }]"),
      want: [],
    },
  ],
  "conditions",
);

const BASE = 'targets: [{ id: a, endpoint: "http://a:1" }, { id: b, endpoint: "http://b:1", weight: 0 }]\n';
const others: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
  {
    name: "a pool that nothing leads to, and what only it falls back to",
    text: "pools: { p: { targets: [a, b] }, q: { targets: [a], fallback: r }, r: { targets: [a] } }\ndefault_pool: p",
    want: ["pools.q: no rule uses", "pools.r: no rule uses"],
  },
  {
    name: "fallbacks of pools that are used are used",
    text: "pools: { p: { targets: [a, b], fallback: q }, q: { targets: [a], fallback: r }, r: { targets: [a] } }\ndefault_pool: p",
    want: [],
  },
  {
    name: "a target without a pool",
    text: "default_pool: { targets: [a] }",
    want: ["targets[1].id: no pool has the target"],
  },
  { name: "a selector has it", text: "default_pool: { targets: { region: '*' } }", want: [] },
  { name: "nothing but targets: all are used", text: "", want: [] },
  {
    name: "weights of 0",
    text: "default_pool: { targets: [b] }\nrules: [{ id: r, targets: [a], conditions: [service_name: x] }]",
    want: ["default_pool.targets: its only target has weight 0"],
  },
  { name: "a standby", text: "default_pool: { targets: [a, b] }", want: [] },
  {
    name: "failover with one target",
    text: "default_pool: { targets: [a], strategy: failover }\nrules: [{ id: r, targets: [a, b], strategy: failover, conditions: [service_name: x] }]",
    want: ["default_pool.strategy: failover with one target"],
  },
  {
    name: "cases after each other",
    text: `default_pool:
  targets: [a, b]
  strategy:
    type: content
    cases:
      - { conditions: [{ span_name: "GET *" }], targets: [a] }
      - { conditions: [{ span_name: "GET /api" }], targets: [b] }
      - { conditions: [{ span_name: { gt: 1 } }], targets: [b] }
      - { conditions: [], targets: [b] }
    otherwise: [a]`,
    want: [
      "default_pool.strategy.cases[1]: is never reached: case 1 matches all that it does first",
      "default_pool.strategy.cases[2].conditions[0].span_name: never holds: span_name is a text",
      "default_pool.strategy.otherwise: is never used: case 4 matches everything",
    ],
  },
];
for (const { name, text, want } of others) {
  test(`analysis: ${name}`, () => {
    const found = warningsOf(`${BASE}${text}`).filter((line) => !line.includes("is not available in this version"));
    assert.equal(found.length, want.length, found.join("\n"));
    for (const [i, line] of want.entries()) assert.ok(found[i]?.startsWith(line), `${found[i]}\nnot ${line}`);
  });
}

test("analysis: what cannot be read elsewhere hides nothing", () => {
  const { problems } = loadText(`
targets: [{ id: a, endpoint: nowhere }]
rules:
  - { id: broken, targets: [a], conditions: [{ service_nam: x }] }
  - { id: x, targets: [a], conditions: [service_name: "x*"] }
  - { id: y, targets: [a], conditions: [service_name: xy] }`);
  const warnings = problems
    .filter(({ severity }) => severity === "warning")
    .map(({ path, position }) => `${position?.line} ${path}`);
  assert.deepEqual(warnings, ["6 rules[2]"]);
});

test("analysis: values of conditions are not repeated, because they may be secrets", () => {
  const { problems } = loadText(`
targets: [{ id: a, endpoint: "http://a:1" }]
rules: [{ id: r, targets: [a], conditions: [attribute: { key: k, equals: "\${env:INGEST_TOKEN}", in: [x] }] }]
unmatched: drop`);
  assert.equal(problems.length, 1);
  assert.ok(!JSON.stringify(problems).includes("ingest-secret"));
});
