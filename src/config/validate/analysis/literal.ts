import type { Condition, Matcher, MatcherTest } from "../../condition-type.ts";
import { type Domain, type Need, needOf } from "./need.ts";

/** One question to an item, or its opposite; conditions are put together from these. */
export type Literal =
  /** Span kind, span status, severity: the bits of the numbers that are allowed, see OTHER bits below. */
  | { readonly kind: "codes"; readonly subject: string; readonly allowed: number }
  /** Whether the trace belongs to the share. */
  | { readonly kind: "share"; readonly subject: "sample_rate"; readonly rate: number; readonly wanted: boolean }
  | {
      readonly kind: "value";
      /** The same text exactly when the same thing is asked: `attribute:http.route`. */
      readonly subject: string;
      readonly domain: Domain;
      readonly need: Need;
      readonly wanted: boolean;
    };

type Leaf = Exclude<Condition, { kind: "any" | "all" | "not" }>;

/** The literal of a condition, or of its opposite; an answer where every item, or none, meets it. */
export function literalOf(condition: Leaf, wanted: boolean): Literal | boolean {
  switch (condition.kind) {
    case "span_kind":
      return codes("span_kind", bitsOf(condition.kinds), SPAN_KINDS, wanted);
    case "span_status":
      return codes("span_status", bitsOf(condition.codes), SPAN_STATUSES, wanted);
    case "severity":
      return codes("severity", severityBits(condition.match), SEVERITIES, wanted);
    case "sample_rate":
      return condition.rate === 0 ? !wanted : { kind: "share", subject: "sample_rate", rate: condition.rate, wanted };
    default:
      return valueLiteral(condition, wanted);
  }
}

/** What a condition asks for, as literals call it. */
export function subjectOf(condition: Leaf): string {
  if (condition.kind === "service_name") return SERVICE_NAME;
  if ("key" in condition) return `${condition.kind}:${condition.key}`;
  return condition.kind;
}

/** The values that what the condition asks for can have; undefined for numbers from a closed list, and shares. */
export function domainOf(condition: Leaf): Domain | undefined {
  switch (condition.kind) {
    case "service_name":
      return ONE_VALUE;
    case "resource":
      return condition.key === "service.name" ? ONE_VALUE : VALUES;
    case "attribute":
      return VALUES;
    case "region":
      return REGION;
    case "header":
      return HEADER;
    case "span_name":
    case "metric_name":
    case "scope_name":
      return NAME;
    default:
      return undefined;
  }
}

/** Whether there is a severity, 0 (none) to 24, that meets the tests. */
export function isSeverityPossible(match: Matcher): boolean {
  return (severityBits(match) & KNOWN_SEVERITIES) !== 0;
}

/** `service.name` is one text, as OpenTelemetry's semantic conventions say; other attributes may be lists. */
export const SERVICE_NAME = "resource:service.name";
const VALUES: Domain = { many: true, textOnly: false, nonEmpty: false, optional: true };
const ONE_VALUE: Domain = { many: false, textOnly: false, nonEmpty: false, optional: true };
const NAME: Domain = { many: false, textOnly: true, nonEmpty: true, optional: true };
const HEADER: Domain = { many: false, textOnly: true, nonEmpty: false, optional: true };
const REGION: Domain = { many: false, textOnly: true, nonEmpty: false, optional: false };

// All bits of a subject. The wire carries any number: the highest bits stand for those that the protocol does not know.
const SPAN_KINDS = 2 ** 7 - 1; // 0..5, and others
const SPAN_STATUSES = 2 ** 4 - 1; // 0..2, and others
const ABOVE_SEVERITIES = 25;
const BELOW_SEVERITIES = 26;
const SEVERITIES = 2 ** 27 - 1; // 0..24, above, below 0
const KNOWN_SEVERITIES = 2 ** 25 - 1;

function codes(subject: string, allowed: number, all: number, wanted: boolean): Literal | boolean {
  const bits = wanted ? allowed : all & ~allowed;
  if (bits === 0 || bits === all) return bits === all;
  return { kind: "codes", subject, allowed: bits };
}

function bitsOf(numbers: readonly number[]): number {
  return numbers.reduce((bits, number) => bits | (1 << number), 0);
}

function severityBits({ tests }: Matcher): number {
  const numbers = Array.from({ length: 25 }, (_, number) => number);
  const holds = (number: number): boolean => tests.every((test) => meets(number, test));
  return (
    bitsOf(numbers.filter(holds)) | (holds(25) ? 1 << ABOVE_SEVERITIES : 0) | (holds(-1) ? 1 << BELOW_SEVERITIES : 0)
  );
}

function meets(number: number, test: MatcherTest): boolean {
  switch (test.op) {
    case "in":
      return test.values.includes(number);
    case "gt":
      return number > test.value;
    case "gte":
      return number >= test.value;
    case "lt":
      return number < test.value;
    case "lte":
      return number <= test.value;
    default:
      return false; // the schema gives no other tests
  }
}

function valueLiteral(condition: Extract<Leaf, { match: Matcher }>, wanted: boolean): Literal | boolean {
  const domain = domainOf(condition) ?? VALUES;
  const need = needOf(condition.match, domain);
  if (need === undefined) return !wanted;
  if (need.kind === "present" && !domain.optional) return wanted;
  return { kind: "value", subject: subjectOf(condition), domain, need, wanted };
}
