import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { LoadResult } from "../../src/config/load.ts";
import { loadText } from "./load-text.ts";

const folder = new URL("../../examples/", import.meta.url);
const examples = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => readFileSync(new URL(name, folder), "utf8"));

/**
 * What must hold of any text: a config or an error, and every problem at a place inside the text.
 */
function assertSound(text: string, { config, problems }: LoadResult): void {
  assert.equal(
    config === undefined,
    problems.some(({ severity }) => severity === "error"),
  );
  const lines = text.split("\n").length;
  for (const problem of problems) {
    const { line = 0, column = 0 } = problem.position ?? {};
    assert.ok(line >= 1 && line <= lines + 1 && column >= 1, JSON.stringify(problem));
    assert.ok(problem.message !== "" && problem.file !== undefined, JSON.stringify(problem));
    assert.ok(!problem.message.includes("\n") && !problem.message.includes("\u0000"), JSON.stringify(problem));
  }
}

test("fuzz: any text gives a config or an error, and never throws", () => {
  const tokens = fc.constantFrom(
    "targets",
    "rules",
    ":",
    " ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "a",
    "&x",
    "*x",
    "<<",
    '"',
    "'",
    "|",
    "?",
    "!",
    "${env:",
    "#",
    "1",
  );
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(tokens, { maxLength: 60 }).map((list) => list.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => assertSound(text, loadText(text))),
    { numRuns: 500 },
  );
});

test("fuzz: any mutation of the text of an example gives a config or an error at a place", () => {
  const edits = fc.array(
    fc.record({
      at: fc.nat(),
      cut: fc.nat({ max: 30 }),
      put: fc.constantFrom("", ":", "}", "- x", "null", "1e999", "\n", "[]", "true", "*"),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(fc.constantFrom(...examples), edits, (example, list) => {
      let text = example;
      for (const { at, cut, put } of list) {
        const from = at % text.length;
        text = text.slice(0, from) + put + text.slice(from + cut);
      }
      assertSound(text, loadText(text));
    }),
    { numRuns: 500 },
  );
});

test("fuzz: any value at any place of a config gives a config or an error", () => {
  const keys = [
    "node",
    "targets",
    "pools",
    "rules",
    "default_pool",
    "global",
    "regions",
    "id",
    "endpoint",
    "conditions",
    "strategy",
    "listen",
    "plugins",
    "secrets",
    "tls",
  ];
  const inner = [
    "a",
    "all",
    "errors",
    "service_name",
    "any",
    "not",
    "type",
    "content",
    "region",
    "tags",
    "fallback",
    "address",
    "retry",
    "<<",
  ];
  const tree = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(null, true, 0, -1, 1.5, "a", "10s", "*", "http://a:1", ""),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys, ...inner), tie("value"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), tree.value, { maxKeys: 7 }), (document) => {
      const text = JSON.stringify(document);
      assertSound(text, loadText(text));
    }),
    { numRuns: 1_000 },
  );
});
