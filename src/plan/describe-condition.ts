import type { Condition, Matcher, MatcherTest, MatcherValue } from "../config/condition-type.ts";
import { SPAN_KINDS, SPAN_STATUSES } from "../config/schema/condition.ts";
import { Unreachable } from "../core/unreachable.ts";

/** A condition as people would say it, on one line: `attribute user.tier contains "gold"`. */
export function describeCondition(condition: Condition): string {
  switch (condition.kind) {
    case "service_name":
    case "span_name":
    case "metric_name":
    case "scope_name":
    case "region":
    case "severity":
      return `${condition.kind} ${describeMatcher(condition.match)}`;
    case "attribute":
    case "resource":
    case "header":
      return `${condition.kind} ${condition.key} ${describeMatcher(condition.match)}`;
    case "span_kind":
      return `span_kind is ${namesOf(condition.kinds, SPAN_KINDS)}`;
    case "span_status":
      return `span_status is ${namesOf(condition.codes, SPAN_STATUSES)}`;
    case "sample_rate":
      return `trace is in the share ${condition.rate}`;
    case "any":
    case "all":
      return `${condition.kind} of (${condition.of.map(describeCondition).join("; ")})`;
    case "not":
      return `not (${describeCondition(condition.of)})`;
    default:
      throw new Unreachable(condition);
  }
}

function describeMatcher({ tests }: Matcher): string {
  return tests.length === 0 ? "is there" : tests.map(describeTest).join(" and ");
}

function describeTest(test: MatcherTest): string {
  switch (test.op) {
    case "equals":
      return `is ${quoted(test.value)}`;
    case "in":
      return `is one of ${test.values.map(quoted).join(", ")}`;
    case "glob":
      return `fits ${quoted(test.pattern)}`;
    case "regex":
      return `matches /${test.pattern}/`;
    case "contains":
      return `contains ${quoted(test.text)}`;
    case "exists":
      return test.want ? "is there" : "is missing";
    case "gt":
      return `> ${test.value}`;
    case "gte":
      return `>= ${test.value}`;
    case "lt":
      return `< ${test.value}`;
    case "lte":
      return `<= ${test.value}`;
    default:
      throw new Unreachable(test);
  }
}

function quoted(value: MatcherValue): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function namesOf(numbers: readonly number[], names: readonly string[]): string {
  return numbers.map((number) => names[number] ?? String(number)).join(" or ");
}
