import { headerIn } from "./sender-headers.ts";
import type { Condition } from "../config/condition-type.ts";
import { SEVERITY_NAMES, SPAN_KINDS, SPAN_STATUSES } from "../config/schema/condition.ts";
import { isCredential } from "../core/header-name.ts";
import { type Seen, seeValue, textOf, UNSEEN } from "../otlp/any-value.ts";
import { anyDataPointAttribute } from "../otlp/data-point.ts";
import type { ItemFields } from "../otlp/item-fields.ts";
import type { ResourceFacts } from "./route-plan.ts";

const NOTHING = "nothing";
const HIDDEN = "[redacted]";
/** Longer texts are cut. */
const MAX_CHARACTERS = 200;
/** Of a metric's data points, so many different values are told. */
const MAX_VALUES = 5;

/**
 * The value that a condition looked at, for people: JSON, or words where there is none. `slot` is
 * that of the attribute in the keys that `item` was read with. Undefined for conditions that
 * consist of others.
 */
export function seenBy(source: Condition, resource: ResourceFacts, item: ItemFields, slot: number): string | undefined {
  switch (source.kind) {
    case "service_name":
      return show(resource.attributes.get("service.name"));
    case "resource":
      return show(resource.attributes.get(source.key));
    case "region":
      return show(resource.region);
    case "header": {
      const value = headerIn(resource.headers, source.key);
      return value !== undefined && isCredential(source.key) ? HIDDEN : show(value);
    }
    case "attribute":
      return slot < 0 ? ofDataPoints(source.key, item) : show(ofSlot(item, slot));
    case "span_kind":
      return SPAN_KINDS[item.kind] ?? String(item.kind);
    case "span_status":
      return SPAN_STATUSES[item.statusCode] ?? String(item.statusCode);
    case "severity":
      return item.severity === 0 ? NOTHING : `${SEVERITY_NAMES[item.severity - 1] ?? "unknown"} (${item.severity})`;
    case "span_name":
    case "metric_name":
      return inBytes(item, item.nameStart, item.nameEnd);
    case "scope_name":
      return inBytes(item, item.scopeNameStart, item.scopeNameEnd);
    case "sample_rate":
      return item.traceStart === item.traceEnd ? "no trace id" : `trace ${traceIdOf(item)}`;
    default:
      return undefined;
  }
}

/** The trace id in hex; empty without one. */
export function traceIdOf({ bytes, traceStart, traceEnd }: ItemFields): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + traceStart, traceEnd - traceStart).toString("hex");
}

/** An attribute's value for people. */
export function show(seen: Seen | undefined): string {
  if (seen === undefined) return NOTHING;
  const text = spell(seen);
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}\u2026` : text;
}

function spell(seen: Seen): string {
  if (seen === UNSEEN) return "a value that rules cannot compare";
  if (typeof seen === "object") return `[${seen.map(spell).join(", ")}]`;
  return typeof seen === "string" ? JSON.stringify(seen) : String(seen);
}

function ofSlot(item: ItemFields, slot: number): Seen | undefined {
  return item.has(slot) ? seeValue(item.slotBytes(slot), item.slotStart(slot), item.slotEnd(slot)) : undefined;
}

function inBytes({ bytes }: ItemFields, start: number, end: number): string {
  return start === end ? NOTHING : show(textOf(bytes, start, end));
}

function ofDataPoints(key: string, { bytes, start, end }: ItemFields): string {
  const values = new Set<string>();
  anyDataPointAttribute(bytes, start, end, Buffer.from(key, "utf8"), (from, at, to) => {
    values.add(show(seeValue(from, at, to)));
    return values.size > MAX_VALUES;
  });
  const shown = [...values].slice(0, MAX_VALUES).join(", ");
  if (shown === "") return NOTHING;
  return values.size > MAX_VALUES ? `${shown}, and more` : shown;
}
