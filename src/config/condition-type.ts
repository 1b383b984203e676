import { ALL_SIGNALS } from "./schema/values.ts";

/**
 * The normalised form of what people write under `conditions`: short forms expanded, names turned
 * into numbers. Plain data, which JSON holds as it is. A closed union, so that whoever compiles it
 * is told by the compiler when a condition is added.
 */
export type Condition =
  | { readonly kind: "service_name"; readonly match: Matcher }
  /** Numbers of opentelemetry.proto.trace.v1.Span.SpanKind, 0..5. */
  | { readonly kind: "span_kind"; readonly kinds: readonly number[] }
  | { readonly kind: "span_name"; readonly match: Matcher }
  /** Numbers of opentelemetry.proto.trace.v1.Status.StatusCode, 0..2. */
  | { readonly kind: "span_status"; readonly codes: readonly number[] }
  /** Tests over SeverityNumber, 1..24: only `in`, `gte`, `gt`, `lte`, `lt` with numbers. */
  | { readonly kind: "severity"; readonly match: Matcher }
  | { readonly kind: "metric_name"; readonly match: Matcher }
  | { readonly kind: "attribute"; readonly key: string; readonly match: Matcher }
  | { readonly kind: "resource"; readonly key: string; readonly match: Matcher }
  | { readonly kind: "scope_name"; readonly match: Matcher }
  | { readonly kind: "region"; readonly match: Matcher }
  /** A header of the request, by its lower-case name. */
  | { readonly kind: "header"; readonly key: string; readonly match: Matcher }
  /** A share of traces, 0..1, decided by trace id. */
  | { readonly kind: "sample_rate"; readonly rate: number }
  /** One of them holds; false when there are none. */
  | { readonly kind: "any"; readonly of: readonly Condition[] }
  /** All of them hold; true when there are none. */
  | { readonly kind: "all"; readonly of: readonly Condition[] }
  | { readonly kind: "not"; readonly of: Condition };

/** All tests must hold; with no tests it holds for anything. */
export type Matcher = { readonly tests: readonly MatcherTest[] };

/**
 * What a test compares with. Whole numbers beyond 2^53 are their digits, so that 64-bit attributes
 * stay exact.
 */
export type MatcherValue = string | number | boolean;

export type MatcherTest =
  | { readonly op: "equals"; readonly value: MatcherValue }
  /** The whole text: `*` is any text, also none; `\*` is an asterisk and `\\` a backslash. */
  | { readonly op: "glob"; readonly pattern: string }
  /** RE2 syntax, found anywhere in the text unless anchored. Known to compile. */
  | { readonly op: "regex"; readonly pattern: string }
  | { readonly op: "contains"; readonly text: string }
  | { readonly op: "in"; readonly values: readonly MatcherValue[] }
  | { readonly op: "exists"; readonly want: boolean }
  | { readonly op: "gt" | "gte" | "lt" | "lte"; readonly value: number };

export type SignalName = (typeof ALL_SIGNALS)[number];

/** The signals that have what a condition asks for. */
export function signalsOf(condition: Condition): readonly SignalName[] {
  switch (condition.kind) {
    case "span_kind":
    case "span_status":
    case "span_name":
      return ["traces"];
    case "severity":
      return ["logs"];
    case "metric_name":
      return ["metrics"];
    case "sample_rate":
      return ["traces", "logs"];
    default:
      return ALL_SIGNALS;
  }
}
