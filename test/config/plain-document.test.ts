import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { parseYaml } from "../../src/config/document.ts";
import { readPlain } from "../../src/config/plain-document.ts";

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
  return true;
}

const RUNS = Number(process.env["PLAIN_RUNS"] ?? 1_000);

test("plain documents: what is read of the examples, line by line changed, is what the library reads", () => {
  const line = fc.constantFrom(
    ..."a: b|- a: b|  - c|    d: [1, x]|  e:|# c|   # c| |g: {h: i, j: k}|- - l|m: 'n' # o|.5|p: q: r|-".split("|"),
  );
  const edit = fc.record({ at: fc.nat(400), cut: fc.nat(3), put: fc.array(line, { maxLength: 3 }), shift: fc.nat(4) });
  let plain = 0;
  fc.assert(
    fc.property(fc.constantFrom(...examples), fc.array(edit, { maxLength: 3 }), (example, edits) => {
      const lines = example.split("\n").slice(0, 60);
      for (const { at, cut, put, shift } of edits) {
        lines.splice(at % lines.length, cut, ...put.map((text) => " ".repeat(2 * shift) + text));
      }
      if (assertSame(lines.join("\n"))) plain++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(plain > RUNS / 20, `only ${plain} were plain`);
});

test("plain documents: any soup of marks is left to the library, or read as by it", () => {
  const marks =
    'a|b|key|rules|:|: | :|\n|\n  |\n    |- |-|[|]|{|}|, |,|"|\'|"x"|\'y\'|"a\\n\\u00e9\\\\"|#| # c|1|-1|0x1|1.5|.5|1e3|+1|017|007|true|~|null|Yes|${env:A}|http://a:1/b|*|&a|!t|\\||>|?|%|@|`|<<|---|...|é|\u2028|\u0085|12345678901234567890|=|.inf|1_000|0o7|2001-01-01|a b|  | |;|a*|*a'.split(
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
        if (assertSame(text.trimStart())) plain++;
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
      assertSame(JSON.stringify({ rules: [value, 1], next: value }, undefined, indent));
    }),
    { numRuns: RUNS },
  );
  const text = '{ "rules": [ {"id": "a"}, {"id": "b"} ] }';
  const starts = readPlain(text)?.ruleStarts ?? [];
  assert.deepEqual(
    starts.slice(0, -1).map((start) => text.slice(start, start + 10)),
    ['{"id": "a"', '{"id": "b"'],
  );
});
