import { remembered } from "../core/remembered.ts";
import type { Condition } from "../config/condition-type.ts";
import type { Signal } from "../otlp/signal.ts";
import type { Cond, RoutePool, RulePlan } from "./route-plan.ts";
import { compileMatcher, exactText } from "./matcher.ts";
import { leavesOf } from "./residual.ts";
import { headerIn, type SenderHeaders } from "./sender-headers.ts";

/** One question about a header. */
export interface HeaderTest {
  /** Lower-case name of the header. */
  readonly key: string;
  /** When it asks for exactly one value: that value. */
  readonly exact: string | undefined;
  holds(value: string | undefined): boolean;
}

type HeaderCondition = Extract<Condition, { kind: "header" }>;

/**
 * All that rules and the cases of their pools ask about headers, each question once. `rules`: those
 * that ask some.
 */
export function headerTestsOf(
  rules: readonly RulePlan[],
  pools: readonly RoutePool[],
  signal: Signal,
): readonly HeaderTest[] {
  const cases = pools.flatMap(({ division }) => (division.kind === "cases" ? division.conditions[signal] : []));
  const ofCases = cases.flatMap(headerConditions);
  if (ofCases.length === 0) return testsOfRules(rules);
  return testsOf([...rules.map((rule) => rule.condition).flatMap(headerConditions), ...ofCases]);
}

/** Mostly the rules that ask are the same as in the plan before, and so are other signals'. */
const testsOfRules = remembered((rules: readonly RulePlan[]) => {
  return testsOf(rules.map((rule) => rule.condition).flatMap(headerConditions));
});

function testsOf(conditions: readonly HeaderCondition[]): readonly HeaderTest[] {
  const tests = new Map<string, HeaderTest>();
  for (const condition of conditions) {
    const question = JSON.stringify([condition.key, condition.match]);
    if (!tests.has(question)) tests.set(question, testOf(condition));
  }
  return [...tests.values()];
}

/** The names of the headers that they ask about, each once. */
export const askedKeys = remembered((tests: readonly HeaderTest[]): readonly string[] => {
  return [...new Set(tests.map(({ key }) => key))];
});

/** Tests that are the same list as those of the plan before are not indexed again. */
export const answersTo = remembered((tests: readonly HeaderTest[]) => new HeaderAnswers(tests));

/** The names of the headers that a compiled condition asks about. */
export function headerNames(cond: Cond): readonly string[] {
  return headerConditions(cond).map(({ key }) => key);
}

function headerConditions(cond: Cond): readonly HeaderCondition[] {
  return leavesOf(cond).flatMap(({ source }) => (source.kind === "header" ? source : []));
}

function testOf({ key, match }: HeaderCondition): HeaderTest {
  return { key, exact: exactText(match), holds: compileMatcher(match) };
}

/**
 * Answers the tests of a plan. Of ten thousand that each ask for one value only those of this value
 * are looked at.
 */
export class HeaderAnswers {
  readonly #general: readonly { readonly index: number; readonly test: HeaderTest }[];
  /** By name, by value: indexes of the tests that ask for it. */
  readonly #exact = new Map<string, Map<string, number[]>>();

  constructor(tests: readonly HeaderTest[]) {
    const indexed = tests.map((test, index) => ({ index, test }));
    this.#general = indexed.filter(({ test }) => test.exact === undefined);
    for (const { index, test } of indexed) {
      if (test.exact === undefined) continue;
      const values = this.#exact.get(test.key) ?? new Map<string, number[]>();
      values.set(test.exact, [...(values.get(test.exact) ?? []), index]);
      this.#exact.set(test.key, values);
    }
  }

  /**
   * The same text exactly when all tests have the same answers; no such text is the beginning of
   * another.
   */
  of(headers: SenderHeaders): string {
    const held: number[] = [];
    for (const { index, test } of this.#general) if (test.holds(headerIn(headers, test.key))) held.push(index);
    for (const [name, values] of this.#exact) {
      const value = headerIn(headers, name);
      if (value !== undefined) held.push(...(values.get(value) ?? []));
    }
    return `${held.toSorted((a, b) => a - b).join()};`;
  }
}
