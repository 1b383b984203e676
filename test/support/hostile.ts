import type { Excess } from "../../src/otlp/limits.ts";
import type { Signal } from "../../src/otlp/signal.ts";

/** A request that says nothing in as many bytes as one wants, and of what it has too much. */
export interface Hostile {
  readonly name: string;
  readonly signal: Signal;
  /** About `bytes` long. */
  readonly make: (bytes: number) => Buffer;
  /** Undefined: it is only long, and is walked. */
  readonly excess: Excess | undefined;
}

const RESOURCE_X = 0x0a;
const SCOPE_X = 0x12;
const ITEM = 0x12;

/** In protobuf: fields without a body, one after the other, in every place that takes one. */
export const HOSTILE_PROTOBUF: readonly Hostile[] = [
  shape("resources", "traces", [], "0a00", "resources"),
  shape("fields of the request that nobody knows", "logs", [], "1a00", "fields"),
  shape("groups in the request", "logs", [], "1b1c", "fields"),
  shape("occurrences of one resource", "traces", [RESOURCE_X], "0a00", "fields"),
  shape("scopes", "metrics", [RESOURCE_X], "1200", "scopes"),
  shape("urls of a resource", "traces", [RESOURCE_X], "1a00", "fields"),
  shape("attributes of a resource", "logs", [RESOURCE_X, 0x0a], "0a00", "attributes"),
  shape("items", "traces", [RESOURCE_X, SCOPE_X], "1200", "items"),
  shape("metrics", "metrics", [RESOURCE_X, SCOPE_X], "1200", "items"),
  shape("occurrences of one scope", "traces", [RESOURCE_X, SCOPE_X], "0a00", "fields"),
  shape("attributes of a scope", "traces", [RESOURCE_X, SCOPE_X, 0x0a], "1a00", "attributes"),
  ...[0x2a, 0x3a, 0x4a, 0x52, 0x5a].map((kind) =>
    shape(`data points of kind ${kind >> 3}`, "metrics", [RESOURCE_X, SCOPE_X, ITEM, kind], "0a00", "points"),
  ),
  shape("kinds of one metric by turns", "metrics", [RESOURCE_X, SCOPE_X, ITEM], "2a020a003a020a00", "points"),
  shape("attributes of a data point", "metrics", [RESOURCE_X, SCOPE_X, ITEM, 0x2a, 0x0a], "3a00", "attributes"),
  shape("exemplars", "metrics", [RESOURCE_X, SCOPE_X, ITEM, 0x4a, 0x0a], "4200", "attributes"),
  shape("attributes of a span", "traces", [RESOURCE_X, SCOPE_X, ITEM], "4a00", "attributes"),
  shape("events of a span", "traces", [RESOURCE_X, SCOPE_X, ITEM], "5a00", "attributes"),
  shape("attributes of an event", "traces", [RESOURCE_X, SCOPE_X, ITEM, 0x5a], "1a00", "attributes"),
  shape("links of a span", "traces", [RESOURCE_X, SCOPE_X, ITEM], "6a00", "attributes"),
  shape("attributes of a log record", "logs", [RESOURCE_X, SCOPE_X, ITEM], "3200", "attributes"),
  shape("elements of a value", "logs", [RESOURCE_X, SCOPE_X, ITEM, 0x32, 0x12, 0x2a], "0a00", "attributes"),
  shape("arrays of one value", "logs", [RESOURCE_X, SCOPE_X, ITEM, 0x32, 0x12], "2a020a00", "attributes"),
  shape("pairs of a value", "logs", [RESOURCE_X, SCOPE_X, ITEM, 0x32, 0x12, 0x32], "0a00", "attributes"),
  shape("values of one attribute", "traces", [RESOURCE_X, SCOPE_X, ITEM, 0x4a], "1200", "attributes"),
  shape("integers of one value", "traces", [RESOURCE_X, SCOPE_X, ITEM, 0x4a, 0x12], "1801", "attributes"),
  shape("occurrences of a status", "traces", [RESOURCE_X, SCOPE_X, ITEM], "7a00", "attributes"),
  shape("kinds of a span", "traces", [RESOURCE_X, SCOPE_X, ITEM], "3001", "attributes"),
  shape("groups in an item", "logs", [RESOURCE_X, SCOPE_X, ITEM], "1b1c", "attributes"),
];

/** In JSON: short elements in every list, and what makes a parser work. */
export const HOSTILE_JSON: readonly Hostile[] = [
  text("resources", '{"resourceSpans":[', "{},", "resources"),
  text("scopes", '{"resourceSpans":[{"scopeSpans":[', "{},", "scopes"),
  text("spans", '{"resourceSpans":[{"scopeSpans":[{"spans":[', "{},", "items"),
  text("numbers in place of spans", '{"resourceSpans":[{"scopeSpans":[{"spans":[', "1,", "items"),
  text("attributes", '{"resourceSpans":[{"resource":{"attributes":[', "{},", "json_objects"),
  text("lists that nobody knows", '{"x":[', "[],", "json_objects"),
  text("objects that nobody knows", '{"x":[', '{"a":{}},', "json_objects"),
  text("numbers that need their digits", '{"x":[', "12345678901234567,", undefined),
  text("one number that needs its digits before zeros", '{"x":[12345678901234567,', "0,", undefined),
  text("texts", '{"x":[', '"a",', undefined),
  {
    name: "names",
    signal: "traces",
    make: (bytes) =>
      Buffer.from(
        `{"x":{${Array.from({ length: bytes / 14 }, (_, i) => `"k${String(i).padStart(8, "0")}":1`).join()}}}`,
      ),
    excess: "json_names",
  },
  { name: "lists in lists", signal: "traces", make: (bytes) => Buffer.alloc(bytes, "["), excess: undefined },
];

function shape(
  name: string,
  signal: Signal,
  path: readonly number[],
  hex: string,
  excess: Excess | undefined,
): Hostile {
  const unit = Buffer.from(hex, "hex");
  const make = (bytes: number): Buffer => {
    const filled = Math.ceil(bytes / unit.length) * unit.length;
    let head = Buffer.alloc(0);
    for (const tag of path.toReversed()) head = Buffer.concat([Buffer.from([tag]), varint(head.length + filled), head]);
    const body = Buffer.allocUnsafe(head.length + filled).fill(unit, head.length);
    head.copy(body);
    return body;
  };
  return { name, signal, make, excess };
}

function text(name: string, head: string, unit: string, excess: Excess | undefined): Hostile {
  const open = Array.from(head).filter((one) => one === "[" || one === "{");
  const tail = open
    .toReversed()
    .map((one) => (one === "[" ? "]" : "}"))
    .join("");
  const last = unit.slice(0, -1);
  return {
    name,
    signal: "traces",
    make: (bytes) => Buffer.from(head + unit.repeat(Math.ceil(bytes / unit.length)) + last + tail),
    excess,
  };
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
