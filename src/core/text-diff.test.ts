import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textDiff } from "./text-diff.ts";

const NAMES = { from: "1", to: "2" };

/** Applies a unified diff; fails where its context does not fit. */
function patch(text: string, diff: string): string {
  const lines = text === "" ? [] : text.replace(/\n$/u, "").split("\n");
  const result: string[] = [];
  let at = 0;
  for (const line of diff.replace(/\n$/u, "").split("\n").slice(2)) {
    const start = /^@@ -(?<at>\d+),(?<count>\d+) /u.exec(line)?.groups;
    if (start !== undefined) {
      const begin = Number(start["at"]) - (start["count"] === "0" ? 0 : 1);
      while (at < begin) result.push(lines[at++]!);
    } else if (line.startsWith("+")) result.push(line.slice(1));
    else {
      assert.equal(lines[at], line.slice(1));
      if (line.startsWith(" ")) result.push(lines[at]!);
      at++;
    }
  }
  return [...result, ...lines.slice(at)].map((line) => `${line}\n`).join("");
}

const text = fc
  .array(fc.constantFrom("a", "b", "c", "d", ""), { maxLength: 40 })
  .map((lines) => lines.map((line) => `${line}\n`).join(""));

test("text diff: the first text with the diff applied is the second, and no line of context differs", () => {
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = textDiff(before, after, NAMES);
      if (before === after) assert.equal(diff, "");
      else assert.equal(patch(before, diff), after);
    }),
    { numRuns: 500 },
  );
});

test("text diff: only what differs is told, with three lines around it", () => {
  const before = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join("");
  const after = before.replace("line 10\n", "line ten\n").replace("line 25\n", "");
  const want = `--- 1
+++ 2
@@ -8,7 +8,7 @@
 line 7
 line 8
 line 9
-line 10
+line ten
 line 11
 line 12
 line 13
@@ -23,7 +23,6 @@
 line 22
 line 23
 line 24
-line 25
 line 26
 line 27
 line 28
`;
  assert.equal(textDiff(before, after, NAMES), want);
});

test("text diff: two texts without a line in common end soon, however long they are", () => {
  const [before, after] = ["a", "b"].map((letter) => `${letter}\n`.repeat(20_000));
  assert.equal(patch(before!, textDiff(before!, after!, NAMES)), after);
});
