import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";

const COLUMNS = 100;
/** What cannot be broken: directives of the linter, and addresses. */
const UNBREAKABLE = /oxlint-|https?:\/\/\S{60}/u;

test("comments on lines of their own are at most 100 columns wide", () => {
  const long: string[] = [];
  for (const file of globSync("{src,test,bench,examples}/**/*.ts")) {
    for (const [i, line] of readFileSync(file, "utf8").split("\n").entries()) {
      const isComment = /^\s*(?:\/\/|\/\*|\* |\*\/)/u.test(line);
      if (isComment && line.length > COLUMNS && !UNBREAKABLE.test(line)) long.push(`${file}:${i + 1}`);
    }
  }
  assert.deepEqual(long, []);
});
