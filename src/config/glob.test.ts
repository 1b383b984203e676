import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { globMatches } from "./glob.ts";

const cases = [
  ["*", "", true],
  ["payment*", "payment", true],
  ["payment*", "payments-eu", true],
  ["payment*", "my-payment", false],
  ["a*b*c", "a-b-c", true],
  ["a*b*c", "a-c", false],
  ["ab*ba", "aba", false],
  ["a*b*b", "ab", false],
  ["a\\*", "a*", true],
  ["a\\*", "ab", false],
  ["a\\\\*", "a\\x", true],
  ["exact", "exactly", false],
] as const;
for (const [pattern, text, want] of cases) {
  test(`glob: ${pattern} ${want ? "fits" : "does not fit"} "${text}"`, () =>
    assert.equal(globMatches(pattern, text), want));
}

test("glob: agrees with a regular expression made from it", () => {
  const letters = fc.array(fc.constantFrom("a", "b", "*"), { maxLength: 8 }).map((list) => list.join(""));
  const texts = fc.array(fc.constantFrom("a", "b"), { maxLength: 12 }).map((list) => list.join(""));
  fc.assert(
    fc.property(letters, texts, (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "u");
      assert.equal(globMatches(pattern, text), expression.test(text));
    }),
  );
});
