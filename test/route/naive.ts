/* oxlint-disable typescript/no-unsafe-type-assertion -- plain decodes are walked by names that the schema guarantees */
import { RE2JS } from "re2js";
import type { Condition, Matcher, MatcherTest } from "../../src/config/condition-type.ts";
import type { Seen } from "../../src/otlp/any-value.ts";
import type { Signal } from "../../src/otlp/signal.ts";
import type { RuleSpec } from "../../src/plan/compile-rule.ts";
import { traceShare } from "../../src/plan/trace-share.ts";
import type { Plain } from "../support/oracle/oracle.ts";
import { attributesOf, dataPointsOf } from "../support/oracle/walk.ts";

/** One item with all that rules may ask about, fully decoded. */
export interface NaiveItem {
  readonly signal: Signal;
  readonly resource: Plain | undefined;
  readonly scopeName: string;
  readonly item: Plain;
  readonly listenerRegion: string;
  /** By lower-case name. */
  readonly headers?: ReadonlyMap<string, string>;
}

/**
 * Routing as the design says it, with no cleverness: every rule is asked for every item. Returns
 * the pools of the copies and the pool that takes the item, undefined when nothing matches.
 */
export function routeNaively(
  rules: readonly RuleSpec[],
  defaultPool: string | undefined,
  usable: (pool: string) => boolean,
  item: NaiveItem,
): { readonly copies: string[]; readonly pool: string | undefined } {
  const copies: string[] = [];
  const candidates: string[] = [];
  const matching = rules
    .toSorted((a, b) => b.priority - a.priority)
    .filter((rule) => rule.signals.includes(item.signal) && rule.conditions.every((c) => holds(c, item)));
  for (const rule of matching) {
    if (rule.mode === "first") candidates.push(rule.pool);
    else if (!candidates.some(usable)) copies.push(rule.pool);
  }
  if (defaultPool !== undefined) candidates.push(defaultPool);
  return { copies, pool: candidates.find(usable) ?? candidates[0] };
}

export function holds(condition: Condition, item: NaiveItem): boolean {
  const resource = attributesOf(item.resource);
  switch (condition.kind) {
    case "any":
      return condition.of.some((inner) => holds(inner, item));
    case "all":
      return condition.of.every((inner) => holds(inner, item));
    case "not":
      return !holds(condition.of, item);
    case "service_name":
      return matches(condition.match, resource.get("service.name"));
    case "resource":
      return matches(condition.match, resource.get(condition.key));
    case "region": {
      const own = [resource.get("region"), resource.get("cloud.region")].find((value) => typeof value === "string");
      return matches(condition.match, own ?? item.listenerRegion);
    }
    case "header":
      return matches(condition.match, item.headers?.get(condition.key));
    case "scope_name":
      return matches(condition.match, item.scopeName === "" ? undefined : item.scopeName);
    case "sample_rate": {
      const id = (item.item["traceId"] ?? Buffer.alloc(0)) as Buffer;
      return item.signal !== "metrics" && traceShare(condition.rate)(id, 0, id.length);
    }
    case "attribute":
      return item.signal === "metrics"
        ? holdsForDataPoint(condition, item.item)
        : matches(condition.match, attributesOf(item.item).get(condition.key));
    default:
      return holdsForField(condition, item);
  }
}

type FieldCondition = Extract<
  Condition,
  { kind: "span_kind" | "span_name" | "span_status" | "severity" | "metric_name" }
>;

function holdsForField(condition: FieldCondition, { signal, item }: NaiveItem): boolean {
  const name = item["name"] === undefined || item["name"] === "" ? undefined : String(item["name"]);
  switch (condition.kind) {
    case "span_kind":
      return signal === "traces" && condition.kinds.includes(Number(item["kind"] ?? 0));
    case "span_status":
      return (
        signal === "traces" && condition.codes.includes(Number((item["status"] as Plain | undefined)?.["code"] ?? 0))
      );
    case "severity":
      return signal === "logs" && matches(condition.match, Number(item["severityNumber"] ?? 0));
    case "span_name":
      return signal === "traces" && matches(condition.match, name);
    case "metric_name":
      return signal === "metrics" && matches(condition.match, name);
  }
}

function holdsForDataPoint(condition: Extract<Condition, { kind: "attribute" }>, metric: Plain): boolean {
  const values = dataPointsOf(metric).map((point) => attributesOf(point).get(condition.key));
  if (matches(condition.match, undefined)) return values.every((value) => value === undefined);
  return values.some((value) => matches(condition.match, value));
}

export function matches(matcher: Matcher, seen: Seen | undefined): boolean {
  const exists = matcher.tests.filter((test) => test.op === "exists");
  if (exists.some((test) => !test.want)) return seen === undefined;
  if (seen === undefined) return false;
  const tests = matcher.tests.filter((test) => test.op !== "exists");
  if (typeof seen === "object") return tests.length === 0 || seen.some((element) => matches({ tests }, element));
  return tests.every((test) => passes(test, seen));
}

function passes(test: MatcherTest, seen: Seen): boolean {
  const text = typeof seen === "symbol" ? undefined : String(seen);
  const number = typeof seen === "number" || typeof seen === "bigint" ? seen : undefined;
  switch (test.op) {
    case "equals":
      return text === String(test.value);
    case "in":
      return test.values.some((value) => text === String(value));
    case "contains":
      return text?.includes(test.text) === true;
    case "regex":
      return text !== undefined && RE2JS.compile(test.pattern).matcher(text).find();
    case "glob": {
      const source = test.pattern
        .split("*")
        .map((part) => RE2JS.quote(part))
        .join("(?s:.*)");
      return text !== undefined && RE2JS.compile(`^(?:${source})$`).matcher(text).matches();
    }
    case "gt":
      return number !== undefined && number > test.value;
    case "gte":
      return number !== undefined && number >= test.value;
    case "lt":
      return number !== undefined && number < test.value;
    case "lte":
      return number !== undefined && number <= test.value;
    case "exists":
      return test.want;
  }
}
