import type { Matcher, MatcherTest } from "../config/condition-type.ts";

/** Whole numbers from `least` to `most`; either may be infinite, and there may be none between. */
export interface WholeRange {
  readonly least: number;
  readonly most: number;
}

/**
 * The whole numbers that a matcher accepts, where it does nothing but compare numbers: such a
 * matcher can ask a number as it is. Undefined: it does something else, too.
 */
export function wholeRange({ tests }: Matcher): WholeRange | undefined {
  let [least, most] = [-Infinity, Infinity];
  for (const test of tests) {
    const own = rangeOf(test);
    if (own === undefined) return undefined;
    least = Math.max(least, own.least);
    most = Math.min(most, own.most);
  }
  return tests.length === 0 ? undefined : { least, most };
}

function rangeOf(test: MatcherTest): WholeRange | undefined {
  switch (test.op) {
    case "gt":
      return { least: Math.floor(test.value) + 1, most: Infinity };
    case "gte":
      return { least: Math.ceil(test.value), most: Infinity };
    case "lt":
      return { least: -Infinity, most: Math.ceil(test.value) - 1 };
    case "lte":
      return { least: -Infinity, most: Math.floor(test.value) };
    case "equals":
      return Number.isSafeInteger(test.value) ? { least: Number(test.value), most: Number(test.value) } : undefined;
    default:
      return undefined;
  }
}
