import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { LineCounter } from "yaml";
import { formatProblem } from "../../src/core/problem.ts";
import { parseText } from "../../src/config/document.ts";
import { positionOf } from "../../src/config/parsed-document.ts";
import { parseYaml } from "../../src/config/yaml-document.ts";
import { checkSchema } from "../../src/config/check-schema.ts";
import type { Path } from "../../src/config/finding.ts";
import { Lines } from "../../src/config/lines.ts";
import { readPlain } from "../../src/config/plain-document.ts";
import { RuleSchema } from "../../src/config/schema/pool.ts";
import { loadText } from "./load-text.ts";
import { ENTRIES, FORMS, rulesText, RUNS, SECTIONS, windows } from "./plain-texts.ts";

const folder = new URL("../../examples/", import.meta.url);
const examples = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"));

/** True when the text is plain, and then it says what the library reads in it. */
function assertSame(text: string): boolean {
  const plain = readPlain(text);
  if (plain === undefined) return false;
  const read = parseYaml(text);
  assert.ok(read.ok && read.faults.length === 0, `the library finds faults in ${JSON.stringify(text)}`);
  assert.deepStrictEqual(plain.root, read.document.root, JSON.stringify(text));
  const parsed = parseText(text);
  assert.ok(parsed.ok);
  for (const path of pathsIn(plain.root)) {
    for (const at of ["key", "value"] as const) {
      const wanted = positionOf(read.document, path, at);
      assert.deepEqual(
        positionOf(parsed.document, path, at),
        wanted,
        `${at} of ${path.join(".")} in ${JSON.stringify(text)}`,
      );
    }
  }
  return true;
}

/** True when it is plain, which it is with Windows line ends, too, and in a mix of both. */
function assertSameInAllForms(text: string): boolean {
  const isPlain = assertSame(text);
  assert.equal(assertSame(windows(text)), isPlain, `with Windows line ends: ${JSON.stringify(text)}`);
  assert.equal(assertSame(windows(text, 3)), isPlain, `in a mix: ${JSON.stringify(text)}`);
  return isPlain;
}

function pathsIn(value: unknown, path: Path = []): Path[] {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [path, ...entries.flatMap(([key, one]) => pathsIn(one, [...path, Array.isArray(value) ? Number(key) : key]))];
}

test("plain documents: what is read of the examples, line by line changed, is what the library reads", () => {
  const line = fc.constantFrom(
    ..."a: b|- a: b|  - c|    d: [1, x]|  e:|# c|   # c| |g: {h: i, j: k}|- - l|m: 'n' # o|.5|p: q: r|-".split("|"),
    ...'s: |~u: >-~- |+~v: [1,~  2]~w: &a x~y: *a~<<: *a~&b z: 1~  "x~  y"~# a\tb~\t~? a'.split("~"),
  );
  const edit = fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.array(line, { maxLength: 3 }), shift: fc.nat(4) });
  const form = fc.constantFrom(...FORMS);
  let plain = 0;
  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.array(edit, { maxLength: 3 }), form, (example, edits, formed) => {
      const lines = example.split("\n").slice(0, 60);
      for (const { at, cut, put, shift } of edits) {
        lines.splice(at % lines.length, cut, ...put.map((text) => " ".repeat(2 * shift) + text));
      }
      if (assertSame(formed(`${edits.length % 2 === 0 ? "" : "--- # begins\n"}${lines.join("\n")}`))) plain++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(plain > RUNS / 20, `only ${plain} were plain`);
});

test("plain documents: the line that begins a document is passed over, and there is one of it", () => {
  for (const [text, isPlain] of [
    ["---\na: 1\n", true],
    ["# c\n\n---   # c\nrules:\n  - id: a\n", true],
    ['---\n{ "rules": [1] }\n', true],
    ["---\n# c\n  \na: 1", true],
    ["--- a: 1\n", false],
    ["---a: 1\n", false],
    [" ---\na: 1\n", false],
    ["---\n---\na: 1\n", false],
    ["---\na: 1\n---\nb: 1\n", false],
    ["a: 1\n---\n", false],
    ["---\n", false],
    ["%YAML 1.2\n---\na: 1\n", false],
  ] as const) {
    assert.equal(assertSameInAllForms(text), isPlain, JSON.stringify(text));
  }
});

test("plain documents: a byte order mark is passed over, and a carriage return ends no line by itself", () => {
  for (const [text, isPlain] of [
    ["a: 1\rb: 2\n", false],
    ["a: 1 # c\rb: 2\n", false],
    ["a: 1\r", false],
    ["a: 'x\r\n  y'\r\n", true],
    ["a: x\r\n  y\r\n", true],
    ["a: x \r\n\r\n  \r\nb: [ 1 ] # c\r\n", true],
    ["{ a: 1 }\r\n", true],
    ['{\r\n"a":\r\n1 }', false],
    ['{\r\n  "a": [\r\n    1,\r\n    2\r\n  ]\r\n}\r\n', true],
  ] as const) {
    assert.equal(assertSame(text), isPlain, JSON.stringify(text));
  }
  const parsed = parseText("\uFEFFa: 1\r\nb: 2\r\n");
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.document.root, { a: 1, b: 2 });
  assert.deepEqual(positionOf(parsed.document, ["b"], "value"), { line: 2, column: 4 });
});

test("plain documents: any soup of marks is left to the library, or read as by it", () => {
  const marks =
    'a|b|key|rules|:|: | :|\n|\n  |\n    |\r|\r\n|- |-|[|]|{|}|, |,|"|\'|"x"|\'y\'|"a\\n\\u00e9\\\\"|#| # c|1|-1|0x1|1.5|.5|1e3|+1|017|007|true|~|null|Yes|${env:A}|http://a:1/b|*|&a|!t|\\||>|?|%|@|`|<<|---|...|é|\u2028|\u0085|12345678901234567890|=|.inf|1_000|0o7|2001-01-01|^a|^|(b)|\\d+|a b|  | |;|a*|*a'.split(
      "|",
    );
  const soup = fc.array(fc.constantFrom(...marks), { maxLength: 14 }).map((parts) => parts.join(""));
  const value = fc.letrec((tie) => ({
    scalar: fc.constantFrom(
      ...marks.filter((mark) => !/[\n:#]/u.test(mark)),
      "a: b",
      "[a, 1]",
      "{ a: b }",
      '{"a":1,"b":[]}',
      `{"a":b,'c':-1,d: [1,x,"y",]}`,
      "[ a,b ]",
      "{}",
      "[]",
      "[a, ]",
      "{a: 1, a: 2}",
      "a:b",
      "a #b",
      "a#b",
      "",
      "x   # c",
    ),
    node: fc.oneof(
      { maxDepth: 4 },
      tie("scalar"),
      fc
        .array(tie("node") as fc.Arbitrary<string>, { minLength: 1, maxLength: 3 })
        .map((items) => `\n${items.map((item) => `- ${item.trimStart().replaceAll("\n", "\n  ")}`).join("\n")}`),
      fc
        .array(fc.tuple(fc.constantFrom("a", "b", "c", '"d"', "'e'", "1", "-"), tie("node") as fc.Arbitrary<string>), {
          minLength: 1,
          maxLength: 3,
        })
        .map((pairs) => `\n${pairs.map(([key, item]) => `${key}: ${item.replaceAll("\n", "\n  ")}`).join("\n")}`),
    ),
  })).node as fc.Arbitrary<string>;
  let plain = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        soup,
        value,
        fc.json().map((json) => json),
        fc.tuple(value, soup).map((both) => both.join("\n")),
      ),
      (text) => {
        if (assertSameInAllForms(text.trimStart())) plain++;
        if (assertSame(`rules:\n  - a: 1\n${text}`)) plain++;
      },
    ),
    { numRuns: 2 * RUNS },
  );
  assert.ok(plain > RUNS / 10, `only ${plain} were plain`);
});

test("plain documents: JSON with spaces or without is read as by the library, and rules are found", () => {
  fc.assert(
    fc.property(fc.jsonValue({ depthSize: "small" }), fc.constantFrom(0, 1, 2), (value, indent) => {
      assertSameInAllForms(JSON.stringify({ rules: [value, 1], next: value }, undefined, indent));
    }),
    { numRuns: RUNS },
  );
  assert.ok(!assertSame('{"<<": {"a": 1}}') && !assertSame('"<<": {"a": 1}'));
  assert.ok(assertSame('rules:\n  - "<<": {"a": 1}\n    b: 2\n'));
  const text = '{ "rules": [ {"id": "a"}, {"id": "b"} ] }';
  const starts = readPlain(text)?.ruleStarts ?? [];
  assert.deepEqual(
    starts.slice(0, -1).map((start) => text.slice(start, start + 10)),
    ['{"id": "a"', '{"id": "b"'],
  );
});

test("plain documents: conditions that are written the same are one object, in lists of one column", () => {
  const rules = `rules:
  - { id: a, conditions: [{ service_name: x }, { region: y }] }
  - { id: b, conditions: [{ service_name: x }, { region: z }] }
  - id: c
    conditions:
      - not:
        region: y
      - service_name: x
  - id: d
    conditions:
    - not:
        region: y
    - service_name: x
  - id: e
    conditions:
      - service_name: x
`;
  assert.ok(assertSame(rules));
  const root = readPlain(rules)?.root as { rules: { conditions: object[] }[] } | undefined;
  const [a, b, c, d, e] = root?.rules.map(({ conditions }) => conditions) ?? [];
  assert.ok(a?.[0] === b?.[0] && a?.[1] !== b?.[1]);
  assert.ok(c?.[1] === e?.[0] && c?.[1] !== d?.[1]);
  assert.notDeepEqual(c?.[0], d?.[0]);
});

test("plain documents: JSON without spaces in a rule is not left to the library", () => {
  const rules = `rules:
  - {"id":"a","conditions":[{"service_name":"x"},{"region":"y"}],"pool":"p"}
  - {'id':b,'conditions':[{"service_name":"x"},{"region":"y"}],'pool':p}
`;
  assert.ok(assertSame(rules));
  const root = readPlain(rules)?.root as { rules: { conditions: object[] }[] } | undefined;
  const [a, b] = root?.rules.map(({ conditions }) => conditions) ?? [];
  assert.ok(a?.length === 2 && a[0] === b?.[0] && a[1] === b?.[1]); // which the library makes anew for each
});

test("plain documents: rules that name their pool are checked as all others are", () => {
  const texts = [
    ...examples,
    "rules: [{ id: a, pool: p, signals: [logs] }, { id: b, pool: p, conditions: [{ any: [] }] }]",
  ];
  let rules = 0;
  for (const text of texts) {
    const root = readPlain(text)?.root as { rules?: unknown[] } | undefined;
    for (const rule of root?.rules ?? []) {
      const wanted = RuleSchema.safeParse(rule).data;
      assert.deepEqual(checkSchema({ rules: [rule] }).document?.rules, wanted && [wanted]);
      rules++;
    }
  }
  assert.ok(rules > 20);
});

test("plain documents: a rule, or a section, that the library reads by itself is what it reads in the document", () => {
  let plain = 0;
  fc.assert(
    fc.property(rulesText, fc.constantFrom(...FORMS), (text, form) => {
      if (assertSame(form(text))) plain++;
    }),
    { numRuns: RUNS / 2 },
  );
  assert.ok(plain > RUNS / 16, `only ${plain} were plain`);
  const entries = ENTRIES.filter((entry) => assertSame(`rules:\n  ${entry}default_pool: p\n`)).length;
  assert.deepEqual([entries, SECTIONS.filter(assertSame).length], [ENTRIES.length - 4, SECTIONS.length - 1]);
});

test("plain documents: a text below a comment at column 0 is left to the library, which reads it on", () => {
  for (const text of ["a:\n# c\n  &x y\n", "a:\n# c\n  x\n  y\n"]) {
    assert.equal(assertSame(`${text}rules:\n  - id: b\n`), false);
    assert.ok(readPlain(`rules:\n  - ${text.replaceAll("\n  ", "\n      ")}z: 1\n`) !== undefined);
  }
});

test("plain documents: aliases that stand for many values are left to the library", () => {
  const text = (many: number): string =>
    `rules:\n  - a: &a [${"1,".repeat(many)}]\n    b: *a\n${"  - c: d\n".repeat(3)}`;
  assert.deepEqual([assertSame(text(90)), assertSame(text(110))], [true, false]);
});

test("plain documents: of many rules that are not plain people are told where, why, and what to do", () => {
  const rules = Array.from(
    { length: 501 },
    (_, i) => `  - { id: r-${i}, pool: p, conditions: [{ region: r-${i} }] }\n`,
  );
  const textOf = (all: readonly string[]): string =>
    `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\npools: { p: { targets: [a] } }\ndefault_pool: p\nrules:\n${all.join("")}`;
  const told = (text: string): string[] => loadText(text).problems.map((problem) => formatProblem(problem));
  const shared = rules.toSpliced(0, 1, "  - { id: r-0, pool: p, conditions: [&c { region: r-0 }] }\n");
  const alias = "  - id: s\n    pool: >-\n      p\n    conditions: [{ any: [*c, { region: q }] }]\n";
  const why = "warning: rules: each change of one of the 501 rules takes as long as all of them:";
  for (const [text, wanted] of [
    [textOf(rules), []],
    [textOf(shared), []],
    [textOf(rules).replaceAll("pool: p", "pool:\n       p").replaceAll("\n", "\r\n"), []],
    [textOf(shared.toSpliced(1, 2, alias)), []], // one rule less
    [
      textOf(shared.toSpliced(1, 1, alias)),
      [`test.yaml:9:26: ${why} an alias of what stands elsewhere is not plain (write out what it stands for)`],
    ],
    [
      textOf(rules.toSpliced(7, 1, "  - ? id\n    : r-7\n    pool: p\n    conditions: [{ region: r-7 }]\n")),
      [`test.yaml:12:5: ${why} a key behind ? is not plain (write it as key: value)`],
    ],
    [
      textOf(rules.map((rule) => rule.replace("- {", "{").replace("}\n", "},\n")))
        .replace("rules:", "rules: [")
        .concat("  ]\n"),
      [
        `test.yaml:4:9: ${why} a list of rules in brackets is not plain (write the rules below one another, each behind a dash)`,
      ],
    ],
  ] as const)
    assert.deepEqual(told(text), wanted);
});

test("lines: in texts of any length each offset has the line and column that the library tells", () => {
  const length = fc.oneof(fc.nat(40), fc.constantFrom(16_382, 16_383, 16_384, 16_385, 40_000));
  fc.assert(
    fc.property(fc.array(length, { maxLength: 12 }), fc.boolean(), (lengths, isEnded) => {
      const text = lengths.map((one) => "x".repeat(one)).join("\n") + (isEnded ? "\n" : "");
      const counter = new LineCounter();
      for (let at = 0; at !== 0 || counter.lineStarts.length === 0; at = text.indexOf("\n", at) + 1)
        counter.addNewLine(at);
      const lines = new Lines(text);
      const near = [0, text.length, ...[1, 2, 3, 4].map((i) => i * 16_384), ...counter.lineStarts];
      for (const offset of near.flatMap((at) => [at - 1, at, at + 1])) {
        if (offset < 0 || offset > text.length) continue;
        const { line, col } = counter.linePos(offset);
        assert.deepEqual(lines.positionAt(offset), { line, column: col }, `${lengths.join()} at ${offset}`);
      }
    }),
    { numRuns: 200 },
  );
});
