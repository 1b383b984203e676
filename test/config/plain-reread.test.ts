import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readPlain } from "../../src/config/plain-document.ts";
import { nextContent, rereadPlain } from "../../src/config/reread-plain.ts";
import { parseYaml } from "../../src/config/yaml-document.ts";
import { loadText } from "./load-text.ts";
import { BETWEEN, ENTRIES, rulesText, RUNS, windows } from "./plain-texts.ts";

const BLOCK = `targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]
rules:
  # of the first
  - id: a
    conditions:
      - service_name: a
    pool: p
  - id: b # of the second
    pool: p

  - id: c
    conditions: [{ service_name: "c*" }]
    pool: p
  # below
default_pool: a
`;
const FLOW = JSON.stringify(
  { rules: ["a", "b", "c"].map((id) => ({ id, pool: "p" })), default_pool: "a" },
  undefined,
  1,
);

test("plain documents: an equal copy right before a rule is an object of its own", () => {
  const rule = '  - id: c\n    conditions: [{ service_name: "c*" }]\n    pool: p\n';
  const known = readPlain(BLOCK);
  const next = known && rereadPlain(known, BLOCK.replace(`\n${rule}`, `\n\n${rule}${rule}`));
  assert.ok(next !== undefined);
  const rules = (next.root as { rules: object[] }).rules; // oxlint-disable-line typescript/no-unsafe-type-assertion -- of this shape
  assert.deepEqual(rules[2], rules[3]);
  assert.ok(rules[2] !== rules[3]);
});

test("plain documents: where a few rules differ, only these are read, and it is what the library reads", () => {
  const put = fc.constantFrom(
    ...'|\n|  - id: d\n    pool: q\n|    pool: q\n|  - e\n|# x\n|   # x\n|-|  |pools: {}\n|"|\'|{|}|,|]|:| |a|\n   |{ "id": "d" },|, 1|,,|#|- f\n|\r|\r\n|  - id: d\r\n|  - id: d|      # x\n|\n\n|    e:\n'.split(
      "|",
    ),
  );
  const edit = fc.record({
    at: fc.nat(1_000),
    cut: fc.constantFrom(0, 0, 1, 2, 8, 10, 30, 60),
    put: fc.oneof(put, fc.constantFrom("|", ">", "|+", ...BETWEEN, ...ENTRIES.map((entry) => `  ${entry}`))),
    atLine: fc.boolean(),
  });
  let reread = 0;
  const edits = fc.array(edit, { minLength: 1, maxLength: 2 });
  const documents = [BLOCK, FLOW].flatMap((text) => [text, windows(text), windows(text, 3)]);
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...documents), rulesText), edits, (before, all) => {
      let text = before;
      for (const one of all) {
        const near = one.at % (text.length + 1);
        const at = one.atLine ? text.lastIndexOf("\n", near) + 1 : near;
        const end = one.atLine && one.cut > 0 ? text.indexOf("\n", at + one.cut) + 1 : at + one.cut;
        text = text.slice(0, at) + one.put + text.slice(Math.max(at, end));
      }
      const known = readPlain(before);
      const next = known && rereadPlain(known, text);
      if (next === undefined) return;
      reread++;
      const read = parseYaml(text);
      assert.ok(read.ok && read.faults.length === 0, `the library finds faults in ${JSON.stringify(text)}`);
      assert.deepStrictEqual(next.root, read.document.root, JSON.stringify(text));
      const [starts = [], afresh = []] = [next.ruleStarts, readPlain(text)?.ruleStarts];
      assert.deepEqual(starts.slice(0, -1), afresh.slice(0, -1), JSON.stringify(text));
      const [end = 0, endAfresh = 0] = [starts.at(-1), afresh.at(-1)];
      assert.equal(nextContent(text, end), nextContent(text, endAfresh), JSON.stringify(text));
    }),
    { numRuns: 4 * RUNS },
  );
  assert.ok(reread > RUNS / 8, `only ${reread} were read in part`);
});

test("plain documents: lines at the edge of what changed are a part of the text of several lines that they follow", () => {
  const rules = "rules:\n  - id: a\n    x: |+\n      t\n  - id: b\n    x: t\n      # below\n\nz: 1\n";
  for (const [from, to, wanted] of [
    ["  - id: b", "      # more\n  - id: b", ["t\n# more\n", "t"]],
    ["  - id: b", "\n\n  - id: b", ["t\n\n\n", "t"]],
    ["x: t\n", "x: |\n      t\n", ["t\n", "t\n# below\n"]],
    ["x: t\n", "x: |+\n      t\n", ["t\n", "t\n# below\n\n"]],
  ] as const) {
    const known = readPlain(rules);
    const next = known && rereadPlain(known, rules.replace(from, to));
    const root = next?.root as { rules: { x: string }[] } | undefined; // oxlint-disable-line typescript/no-unsafe-type-assertion -- as it is written above
    assert.deepEqual(
      root?.rules.map(({ x }) => x),
      wanted,
    );
    assert.deepEqual(next?.ruleStarts, readPlain(rules.replace(from, to))?.ruleStarts);
  }
});

test("plain documents: an entry behind the last one, without a comma between them, is not taken for one", () => {
  const known = readPlain(FLOW);
  assert.equal(known && rereadPlain(known, FLOW.replace("\n ],", '\n {"id": "d" }],')), undefined);
});

test("plain documents: what is put behind a last line without an end goes on in that line", () => {
  for (const end of ["pool: p", "pool: [p]", "- x", "note: 'x'", "-"]) {
    const before = `rules:\n  - id: a\n    pool: p\n  - id: b\n    ${end}`;
    for (const put of ["# c", "# c\n", "  - id: d\n", " # c", "\n  - id: d", "q"]) {
      const known = readPlain(before);
      const next = known && rereadPlain(known, before + put);
      if (next !== undefined) assert.deepEqual(next.root, libraryRoot(before + put), JSON.stringify(before + put));
    }
  }
});

function libraryRoot(text: string): unknown {
  const read = parseYaml(text);
  return read.ok && read.faults.length === 0 ? read.document.root : read;
}

test("plain documents: the rules that stay are the same objects", () => {
  for (const [before, from, to] of [
    [BLOCK, "service_name: a", "service_name: b"],
    [windows(BLOCK), "service_name: a", "service_name: b"],
    [FLOW, '"id": "a"', '"id": "z"'],
  ] as const) {
    const known = readPlain(before);
    const next = known && rereadPlain(known, before.replace(from, to));
    const [was, is] = [known, next].map((one) => (one?.root as { rules: object[] } | undefined)?.rules); // oxlint-disable-line typescript/no-unsafe-type-assertion -- as it is written above
    assert.deepEqual(
      is?.map((rule, i) => rule === was?.[i]),
      [false, true, true],
    );
  }
});

/** So long that what is read last is remembered. */
const LONG = `# ${"x".repeat(70_000)}\n`;
const OTHERS = Array.from(
  { length: 60 },
  (_, i) =>
    `{ id: o-${i}, conditions: [{ service_name: service-${i % 9}, attribute: { key: a, equals: ${i} } }], pool: p }`,
);

test("a config in which some rules changed: the same problems and config as when it is read afresh", () => {
  const rule = fc.constantFrom(
    "{ id: n-1, conditions: [{ service_name: service-7 }], pool: p }",
    "{ id: n-1, priority: high, mode: copy, conditions: [{ service_name: service-7 }], pool: p }",
    "{ id: n-2, signals: [logs], conditions: [{ service_name: 'service-*' }], pool: p }",
    "{ id: n-3, signals: [logs], conditions: [{ span_name: x }], pool: p }",
    "{ id: n-4, priority: high, pool: p }",
    "{ id: n-5, conditions: [{ header: { key: cookie, equals: x } }], targets: [a], strategy: failover }",
    "{ id: n-6, conditions: [{ service_name: '${env:INGEST_TOKEN}' }], pool: nobody }",
    "{ id: n-7, conditions: [{ attribute: { key: a, gt: 5, lt: 4 } }], pools: p }",
    "{ id: o-3, conditions: [{ any: [{ severity: ERROR }, { metric_name: m }] }, { severity: { gt: FATAL } }], pool: p, ack: stored }",
  );
  const changes = fc.array(fc.record({ at: fc.nat(60), cut: fc.nat(2), put: fc.array(rule, { maxLength: 2 }) }), {
    minLength: 1,
    maxLength: 3,
  });
  const textOf = (rules: readonly string[]): string =>
    `${LONG}targets: [{ id: a, endpoint: "http://127.0.0.1:1" }]\npools: { p: { targets: [a] } }\nrules:\n${rules.map((one) => `  - ${one}\n`).join("")}`;
  fc.assert(
    fc.property(changes, (all) => {
      const rules = [...OTHERS];
      loadText(textOf(rules));
      for (const { at, cut, put } of all) {
        rules.splice(at, cut, ...put);
        loadText(textOf(rules));
      }
      const [after, afresh] = [textOf(rules), textOf(rules)].map((text, i) => {
        if (i === 1) loadText(`${LONG}targets: []\n`);
        return loadText(text);
      });
      assert.deepStrictEqual(after?.problems, afresh?.problems);
      assert.deepStrictEqual(after?.config, afresh?.config);
    }),
    { numRuns: Math.ceil(RUNS / 25) },
  );
});
