import assert from "node:assert/strict";
import { test } from "node:test";
import type { Matcher, MatcherTest } from "../config/condition-type.ts";
import { UNSEEN, type Seen } from "../otlp/any-value.ts";
import { compileMatcher, exactText } from "./matcher.ts";

function matcher(...tests: readonly MatcherTest[]): Matcher {
  return { tests };
}

const cases: { name: string; tests: MatcherTest[]; yes: (Seen | undefined)[]; no: (Seen | undefined)[] }[] = [
  {
    name: "no test holds for anything that is there",
    tests: [],
    yes: ["", "a", 0, false, 1n, [], UNSEEN],
    no: [undefined],
  },
  {
    name: "equals compares by text, whatever the type",
    tests: [{ op: "equals", value: "500" }],
    yes: ["500", 500, 500n, [1, 500]],
    no: ["500.0", "50", 5_000, true, UNSEEN, undefined, []],
  },
  { name: "equals a number", tests: [{ op: "equals", value: 1.5 }], yes: [1.5, "1.5"], no: ["1.50", 1, undefined] },
  {
    name: "equals beyond 2^53 is exact",
    tests: [{ op: "equals", value: "9007199254740993" }],
    yes: [9_007_199_254_740_993n, "9007199254740993"],
    no: [9_007_199_254_740_992n, 9_007_199_254_740_992],
  },
  { name: "equals a boolean", tests: [{ op: "equals", value: true }], yes: [true, "true"], no: [false, 1, "True"] },
  { name: "equals the empty text", tests: [{ op: "equals", value: "" }], yes: [""], no: [undefined, " ", UNSEEN] },
  {
    name: "in is one of several",
    tests: [{ op: "in", values: ["a", 2, false] }],
    yes: ["a", 2, "2", 2n, false, "false", ["z", "a"]],
    no: ["b", 3, true, undefined],
  },
  {
    name: "glob is over the whole text",
    tests: [{ op: "glob", pattern: "pay*-v\\*" }],
    yes: ["pay-v*", "payment-v*"],
    no: ["payment-v1", "xpay-v*", "pay-v*x", undefined],
  },
  {
    name: "regex is found anywhere unless anchored",
    tests: [{ op: "regex", pattern: "b+" }],
    yes: ["abc", "b", ["a", "bb"]],
    no: ["a", "", undefined, UNSEEN],
  },
  {
    name: "regex anchored",
    tests: [{ op: "regex", pattern: "^GET /api/.*$" }],
    yes: ["GET /api/x"],
    no: [" GET /api/x"],
  },
  { name: "contains", tests: [{ op: "contains", text: "gold" }], yes: ["a gold b", "gold"], no: ["Gold", undefined] },
  {
    name: "gt, also of 64-bit integers; texts are no numbers",
    tests: [{ op: "gt", value: 10 }],
    yes: [11, 10.5, 9_007_199_254_740_993n],
    no: [10, 9, -5n, "11", true, Number.NaN, undefined],
  },
  {
    name: "all tests must hold for the same value",
    tests: [
      { op: "gte", value: 400 },
      { op: "lt", value: 500 },
    ],
    yes: [400, 499, [200, 404]],
    no: [399, 500, [200, 600]],
  },
  { name: "lte", tests: [{ op: "lte", value: 0 }], yes: [0, -1, -1n], no: [1, "0"] },
  {
    name: "an array matches when one of its elements does, however deep",
    tests: [{ op: "equals", value: "x" }],
    yes: [["x"], ["y", ["x"]]],
    no: [["y"], [["y"]], []],
  },
  {
    name: "exists: true, whatever it is",
    tests: [{ op: "exists", want: true }],
    yes: ["", 0, false, [], UNSEEN],
    no: [undefined],
  },
  {
    name: "exists: false, only what is missing",
    tests: [{ op: "exists", want: false }],
    yes: [undefined],
    no: ["", 0, []],
  },
];
for (const { name, tests, yes, no } of cases) {
  test(`matcher: ${name}`, () => {
    const matches = compileMatcher(matcher(...tests));
    for (const seen of yes) assert.equal(matches(seen), true, String(seen));
    for (const seen of no) assert.equal(matches(seen), false, String(seen));
  });
}

test("matcher: a pattern that would take ages with backtracking takes none", () => {
  const matches = compileMatcher(matcher({ op: "regex", pattern: "^(a+)+$" }));
  assert.equal(matches(`${"a".repeat(5_000)}!`), false);
  const stars = compileMatcher(matcher({ op: "glob", pattern: `${"*a".repeat(50)}*b` }));
  assert.equal(stars("a".repeat(5_000)), false);
});

const exact: { tests: MatcherTest[]; want: string | undefined }[] = [
  { tests: [{ op: "equals", value: "a" }], want: "a" },
  { tests: [{ op: "equals", value: "" }], want: "" },
  { tests: [{ op: "equals", value: 5 }], want: undefined },
  { tests: [{ op: "glob", pattern: "a" }], want: undefined },
  { tests: [], want: undefined },
  {
    tests: [
      { op: "equals", value: "a" },
      { op: "exists", want: true },
    ],
    want: undefined,
  },
];
for (const { tests, want } of exact) {
  test(`exact text of ${JSON.stringify(tests)}: ${want}`, () => assert.equal(exactText(matcher(...tests)), want));
}
