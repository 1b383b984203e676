import { RE2JS } from "re2js";
import type { Matcher, MatcherTest, MatcherValue } from "../config/condition-type.ts";
import { compileGlob } from "../config/glob.ts";
import { Unreachable } from "../core/unreachable.ts";
import type { Seen } from "../otlp/any-value.ts";

/** `undefined`: there is no such attribute or text. */
export type ValueTest = (seen: Seen | undefined) => boolean;

/**
 * Compiles a matcher: all its tests must hold. Texts, numbers and booleans are compared by their
 * text as well, so that 500, 500.0 and "500" are equal; gt, gte, lt and lte compare numbers only.
 * An array matches when one of its elements does. What is missing matches only `exists: false`.
 */
export function compileMatcher(matcher: Matcher): ValueTest {
  const exact = exactText(matcher);
  if (exact !== undefined) return equalsText(exact);
  const wantsMissing = matcher.tests.some((test) => test.op === "exists" && !test.want);
  const tests = matcher.tests.filter((test) => test.op !== "exists").map(compileTest);
  if (wantsMissing) return (seen) => seen === undefined;
  const holds = joinTests(tests);
  return (seen) => {
    if (seen === undefined) return false;
    if (typeof seen === "object") return tests.length === 0 || anyElement(seen, holds);
    return holds(seen);
  };
}

/**
 * The one text that a matcher accepts, when it is a plain `equals` of a text: such a matcher can
 * compare bytes.
 */
export function exactText(matcher: Matcher): string | undefined {
  const [only, ...others] = matcher.tests;
  if (only === undefined || others.length > 0) return undefined;
  return only.op === "equals" && typeof only.value === "string" ? only.value : undefined;
}

/** By far the most frequent matcher, in the least memory. */
function equalsText(want: string): ValueTest {
  const test = (seen: Seen | undefined): boolean => {
    if (typeof seen === "string") return seen === want;
    if (typeof seen === "object") return seen.some(test);
    return seen !== undefined && typeof seen !== "symbol" && String(seen) === want;
  };
  return test;
}

type ScalarTest = (seen: Seen) => boolean;

function joinTests(tests: readonly ScalarTest[]): ScalarTest {
  const [first] = tests;
  if (first === undefined) return () => true;
  return tests.length === 1 ? first : (seen) => tests.every((test) => test(seen));
}

function anyElement(elements: readonly Seen[], holds: ScalarTest): boolean {
  return elements.some((element) => (typeof element === "object" ? anyElement(element, holds) : holds(element)));
}

function compileTest(test: MatcherTest): ScalarTest {
  switch (test.op) {
    case "equals":
      return compileEquals([test.value]);
    case "in":
      return compileEquals(test.values);
    case "glob":
      return onText(compileGlob(test.pattern));
    case "regex": {
      const pattern = RE2JS.compile(test.pattern); // linear time: a user's pattern must not be able to stall the loop
      return onText((text) => pattern.matcher(text).find());
    }
    case "contains":
      return onText((text) => text.includes(test.text));
    case "gt":
      return (seen) => isNumber(seen) && seen > test.value;
    case "gte":
      return (seen) => isNumber(seen) && seen >= test.value;
    case "lt":
      return (seen) => isNumber(seen) && seen < test.value;
    case "lte":
      return (seen) => isNumber(seen) && seen <= test.value;
    case "exists":
      return () => test.want;
    default:
      throw new Unreachable(test);
  }
}

function compileEquals(values: readonly MatcherValue[]): ScalarTest {
  const texts = new Set(values.map(String));
  return onText((text) => texts.has(text));
}

function onText(test: (text: string) => boolean): ScalarTest {
  return (seen) => (typeof seen === "string" ? test(seen) : typeof seen !== "symbol" && test(String(seen)));
}

function isNumber(seen: Seen): seen is number | bigint {
  return typeof seen === "number" || typeof seen === "bigint";
}
