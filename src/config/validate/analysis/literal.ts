import type { Condition, Matcher, MatcherTest } from "../../condition-type.ts";
import { RecentMap } from "../../../core/recent-map.ts";
import { type Domain, isPresence, type Need, needOf } from "./need.ts";

/** One question to an item, or its opposite; conditions are put together from these. */
export interface Literal {
  /** The same text exactly when the same thing is asked: `attribute:http.route`. */
  readonly subject: string;
  readonly domain: Domain;
  readonly need: Need;
  readonly wanted: boolean;
  /** What others find it by, once that was asked for. */
  keys: LiteralKeys | undefined;
}

/** What a literal is kept by, and what others are looked for by. */
export interface LiteralKeys {
  readonly keptBy: readonly string[];
  /** The key of one of the texts that are possible. */
  readonly text: string | undefined;
  readonly starts: readonly string[];
  readonly regexes: readonly string[];
}

type Leaf = Exclude<Condition, { kind: "any" | "all" | "not" }>;

/**
 * The literal of a condition, or of its opposite; an answer where every item, or none, meets it.
 * Of conditions that ask the same it is one: of ten thousand rules most ask what others ask.
 */
export function literalOf(condition: Leaf, wanted: boolean): Literal | boolean {
  const asked = `${wanted}${JSON.stringify(condition)}`;
  const known = literals.get(asked);
  if (known !== undefined) return known;
  const made = makeLiteral(condition, wanted);
  const literal = typeof made === "boolean" ? made : { ...made, keys: undefined };
  literals.set(asked, literal);
  return literal;
}

const literals = new RecentMap<Literal | boolean>(16_384);

function makeLiteral(condition: Leaf, wanted: boolean): Omit<Literal, "keys"> | boolean {
  switch (condition.kind) {
    case "span_kind":
      return numberLiteral(condition, condition.kinds, SPAN_KINDS, wanted);
    case "span_status":
      return numberLiteral(condition, condition.codes, SPAN_STATUSES, wanted);
    case "severity":
      return numberLiteral(condition, severitiesOf(condition.match), SEVERITIES, wanted);
    case "sample_rate": {
      // Where a trace id stands between 0 and 1: a larger share contains the smaller ones.
      const need: Need = { kind: "there", tests: [{ kind: "bound", op: "lt", value: condition.rate }] };
      return condition.rate === 0 ? !wanted : { subject: condition.kind, domain: ONE_VALUE, need, wanted };
    }
    default: {
      const domain = domainOf(condition) ?? VALUES;
      const need = needOf(condition.match, domain);
      if (need === undefined) return !wanted;
      return isPresence(need) && !domain.optional ? wanted : { subject: subjectOf(condition), domain, need, wanted };
    }
  }
}

/** What a condition asks for, as literals call it. */
export function subjectOf(condition: Condition): string {
  if (condition.kind === "service_name") return "resource:service.name";
  return "key" in condition ? `${condition.kind}:${condition.key}` : condition.kind;
}

/**
 * The values that what the condition asks for can have; undefined for numbers from a closed list,
 * and shares.
 */
export function domainOf(condition: Condition): Domain | undefined {
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
  return severitiesOf(match).some((number) => number >= 0 && number <= 24);
}

/**
 * `service.name` is one text, as OpenTelemetry's semantic conventions say; other attributes may be
 * lists.
 */
const VALUES: Domain = { many: true, textOnly: false, nonEmpty: false, optional: true };
const ONE_VALUE: Domain = { many: false, textOnly: false, nonEmpty: false, optional: true };
const NAME: Domain = { many: false, textOnly: true, nonEmpty: true, optional: true };
const HEADER: Domain = { many: false, textOnly: true, nonEmpty: false, optional: true };
const REGION: Domain = { many: false, textOnly: true, nonEmpty: false, optional: false };

// The wire carries any number: the last stands for those that the protocol does not know, of
// severities also the first.
const SPAN_KINDS = [0, 1, 2, 3, 4, 5, 6];
const SPAN_STATUSES = [0, 1, 2, 3];
const SEVERITIES = Array.from({ length: 27 }, (_, i) => i - 1);

/** Of a closed list, the opposite is the rest of the list. */
function numberLiteral(
  condition: Leaf,
  allowed: readonly number[],
  all: readonly number[],
  wanted: boolean,
): Omit<Literal, "keys"> | boolean {
  const numbers = all.filter((number) => allowed.includes(number) === wanted);
  if (numbers.length === 0 || numbers.length === all.length) return numbers.length > 0;
  const need: Need = { kind: "there", tests: [{ kind: "texts", texts: new Set(numbers.map(String)) }] };
  return { subject: condition.kind, domain: ONE_VALUE, need, wanted: true };
}

function severitiesOf({ tests }: Matcher): number[] {
  return SEVERITIES.filter((number) => tests.every((test) => meets(number, test)));
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
