import { headerIn } from "./sender-headers.ts";
import { type Condition, type Matcher, signalsOf } from "../config/condition-type.ts";
import { Unreachable } from "../core/unreachable.ts";
import { seeValue, smallWhole, textOf } from "../otlp/any-value.ts";
import { bytesEqual } from "../otlp/key-set.ts";
import { anyDataPointAttribute } from "../otlp/data-point.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { Signal } from "../otlp/signal.ts";
import { compileMatcher, exactText } from "./matcher.ts";
import type { Cond, ItemLeaf, ItemTest, ResourceFacts } from "./route-plan.ts";
import { traceShare } from "./trace-share.ts";
import { wholeRange } from "./whole-range.ts";

/**
 * Compiles a condition for the items of one signal. What a signal does not have (a log's span kind)
 * never matches.
 */
export function compileCondition(condition: Condition, signal: Signal): Cond {
  switch (condition.kind) {
    case "service_name":
      return onResource(condition, "service.name");
    case "resource":
      return onResource(condition, condition.key);
    case "region": {
      const matches = compileMatcher(condition.match);
      return { kind: "resource", test: (resource) => matches(resource.region), source: condition };
    }
    case "header": {
      const matches = compileMatcher(condition.match);
      return { kind: "resource", test: ({ headers }) => matches(headerIn(headers, condition.key)), source: condition };
    }
    case "all":
    case "any":
      return { kind: condition.kind, of: condition.of.map((inner) => compileCondition(inner, signal)) };
    case "not":
      return { kind: "not", of: compileCondition(condition.of, signal) };
    default:
      return compileItemCondition(condition, signal);
  }
}

type ItemCondition = Exclude<
  Condition,
  { kind: "service_name" | "resource" | "region" | "header" | "all" | "any" | "not" }
>;

function compileItemCondition(condition: ItemCondition, signal: Signal): Cond {
  if (!signalsOf(condition).includes(signal)) return { kind: "never", source: condition };
  return { kind: "item", leaf: leafOf(condition, signal), source: condition };
}

function leafOf(condition: ItemCondition, signal: Signal): ItemLeaf {
  switch (condition.kind) {
    case "span_kind":
      return onNumber("kind", condition.kinds, (item) => item.kind);
    case "span_status":
      return onNumber("status", condition.codes, (item) => item.statusCode);
    case "severity": {
      const matches = compileMatcher(condition.match);
      return onItem((item) => matches(item.severity));
    }
    case "span_name":
    case "metric_name":
      return onItem(onName(condition.match));
    case "scope_name":
      return onScopeName(condition.match);
    case "attribute":
      return signal === "metrics" ? onDataPoint(condition) : onAttribute(condition);
    case "sample_rate": {
      const share = traceShare(condition.rate);
      return onItem((fields) => share(fields.bytes, fields.traceStart, fields.traceEnd));
    }
    default:
      throw new Unreachable(condition);
  }
}

/**
 * Whether a condition asks only the resource, or the request, so that it is the same for all
 * signals.
 */
export function asksResource(condition: Condition): boolean {
  switch (condition.kind) {
    case "service_name":
    case "resource":
    case "region":
    case "header":
      return true;
    case "all":
    case "any":
      return condition.of.every(asksResource);
    case "not":
      return asksResource(condition.of);
    default:
      return false;
  }
}

function onResource(source: Condition & { readonly match: Matcher }, key: string): Cond {
  const matches = compileMatcher(source.match);
  return { kind: "resource", test: (resource: ResourceFacts) => matches(resource.attributes.get(key)), source };
}

function onItem(test: ItemTest): ItemLeaf {
  return { key: undefined, bind: () => test };
}

function onNumber(of: "kind" | "status", values: readonly number[], read: (fields: ItemFields) => number): ItemLeaf {
  const wanted = new Set(values);
  const least = Math.min(...values);
  const most = Math.max(...values);
  const isRange = wanted.size === most - least + 1;
  const question = isRange ? { of, key: "", least, most } : undefined;
  return { ...onItem((fields) => wanted.has(read(fields))), question };
}

/**
 * Names are compared as bytes when only one text will do, and decoded otherwise. An empty name
 * counts as missing.
 */
function onName(match: Matcher): ItemTest {
  const exact = exactText(match);
  if (exact !== undefined && exact !== "") {
    const want = Buffer.from(exact, "utf8");
    return (fields) => bytesEqual(fields.bytes, fields.nameStart, fields.nameEnd, want);
  }
  const matches = compileMatcher(match);
  return (fields) => matches(textOrMissing(fields.bytes, fields.nameStart, fields.nameEnd));
}

function onScopeName(match: Matcher): ItemLeaf {
  const matches = compileMatcher(match);
  return onItem((fields) => matches(textOrMissing(fields.bytes, fields.scopeNameStart, fields.scopeNameEnd)));
}

function textOrMissing(bytes: Uint8Array, start: number, end: number): string | undefined {
  return start === end ? undefined : textOf(bytes, start, end);
}

function onAttribute(condition: { readonly key: string; readonly match: Matcher }): ItemLeaf {
  const matches = valueTest(condition.match);
  const missing = compileMatcher(condition.match)(undefined);
  const range = wholeRange(condition.match);
  return {
    key: condition.key,
    question: range && { of: "attribute", key: condition.key, ...range },
    bind: (slot) => (fields) =>
      fields.has(slot) ? matches(fields.slotBytes(slot), fields.slotStart(slot), fields.slotEnd(slot)) : missing,
  };
}

/** A metric's attributes are those of its data points: it matches when one of them does. */
function onDataPoint(condition: { readonly key: string; readonly match: Matcher }): ItemLeaf {
  const matches = valueTest(condition.match);
  const wantsMissing = compileMatcher(condition.match)(undefined);
  const key = Buffer.from(condition.key, "utf8");
  const test: ItemTest = wantsMissing
    ? (fields) => !anyDataPointAttribute(fields.bytes, fields.start, fields.end, key, () => true)
    : (fields) => anyDataPointAttribute(fields.bytes, fields.start, fields.end, key, matches);
  return { key: undefined, bind: () => test };
}

/** Tests the AnyValue in a range of bytes. */
type RangeTest = (bytes: Uint8Array, start: number, end: number) => boolean;

const STRING_VALUE = 0x0a;

/**
 * Compares the bytes of an ordinary string value, and asks an ordinary number, without decoding
 * them; everything else is decoded.
 */
function valueTest(match: Matcher): RangeTest {
  const matches = compileMatcher(match);
  const decoded: RangeTest = (bytes, start, end) => matches(seeValue(bytes, start, end));
  const range = wholeRange(match);
  if (range !== undefined) {
    const { least, most } = range;
    return (bytes, start, end) => {
      const whole = smallWhole(bytes, start, end);
      return whole < 0 ? decoded(bytes, start, end) : whole >= least && whole <= most;
    };
  }
  const exact = exactText(match);
  if (exact === undefined || exact.length === 0 || Buffer.byteLength(exact) > 127) return decoded;
  const text = Buffer.from(exact, "utf8");
  return (bytes, start, end) => {
    const plain = bytes[start] === STRING_VALUE && bytes[start + 1] === end - start - 2;
    return plain ? bytesEqual(bytes, start + 2, end, text) : decoded(bytes, start, end);
  };
}
