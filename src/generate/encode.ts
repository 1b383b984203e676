import { ProtoWriter } from "../otlp/proto-writer.ts";
import type { Signal } from "../otlp/signal.ts";

/** A place in a request that is filled each time it is sent: stamp.ts. */
export class Slot {
  /** A running number (span ids, parents, sequences), the id of a trace, or a time. */
  readonly kind: "number" | "trace" | "time";
  /** The item whose number it is, or with which the trace begins; of a time, nanoseconds after the request's own. */
  readonly of: number;

  constructor(kind: Slot["kind"], of: number) {
    this.kind = kind;
    this.of = of;
  }
}

/**
 * What a request says, in the shape of OTLP/JSON (opentelemetry-proto 1.11, docs/specification.md "JSON Protobuf Encoding"): 64-bit
 * numbers are decimal texts, enums are numbers. What is there is written, also an empty text or a 0.
 */
export type Value = string | number | boolean | Slot | readonly Value[] | Fields;

interface Fields {
  readonly [name: string]: Value | undefined;
}

/** A request whose slots are still empty, and where they are. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly slots: readonly { readonly slot: Slot; readonly at: number }[];
}

/** The names of a request's three levels in each signal. */
export const LEVELS = {
  traces: ["resourceSpans", "scopeSpans", "spans"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
} as const satisfies Record<Signal, readonly string[]>;

/** Stands for a slot while JSON is written; nothing that is generated has it. */
const MARK = "\uE000";
/** In hex or decimal digits. */
const TEXT_BYTES = { number: 16, trace: 32, time: 19 } as const;

export function encodeJson(request: Fields): Encoded {
  const slots: Slot[] = [];
  const json = JSON.stringify(request, (_, value: unknown) => {
    if (!(value instanceof Slot)) return value;
    slots.push(value); // in the order of the text
    return MARK;
  });
  const [head = "", ...parts] = json.split(MARK);
  let text = head;
  const places = slots.map((slot, i) => {
    const at = Buffer.byteLength(text);
    text += `${"0".repeat(TEXT_BYTES[slot.kind])}${parts[i] ?? ""}`;
    return { slot, at };
  });
  return { bytes: new TextEncoder().encode(text), slots: places };
}

/** Meant for preparing requests, not for each one. */
export function encodeProtobuf(signal: Signal, request: Fields): Encoded {
  const encoder = new ProtobufEncoder();
  encoder.message(REQUESTS[signal], request);
  return encoder.finish();
}

/** The type of a field; `s` is a packed list. */
type Type = "text" | "bytes" | "varint" | "fixed32" | "fixed64" | "fixed64s" | "double" | "doubles" | Message;

/** The fields of a message by name, in the order of their numbers. */
interface Message {
  readonly [name: string]: readonly [number: number, type: Type];
}

/** Writes the last field first, as the writer wants it. */
class ProtobufEncoder {
  readonly #writer = new ProtoWriter(4_096);
  readonly #slots: { readonly slot: Slot; readonly fromEnd: number }[] = [];

  message(message: Message, fields: Fields): void {
    for (const [name, [number, type]] of Object.entries(message).toReversed()) {
      const value = fields[name];
      if (value === undefined) continue;
      const values = isList(value) ? value.toReversed() : [value];
      if (type === "fixed64s" || type === "doubles") this.#packed(number, type, values);
      else for (const one of values) this.#field(number, type, one);
    }
  }

  finish(): Encoded {
    const bytes = this.#writer.finish();
    return { bytes, slots: this.#slots.map(({ slot, fromEnd }) => ({ slot, at: bytes.length - fromEnd })) };
  }

  #packed(number: number, type: "fixed64s" | "doubles", values: readonly Value[]): void {
    const mark = this.#writer.mark();
    for (const one of values) {
      if (type === "doubles") this.#writer.double(Number(scalarOf(one)));
      else this.#writer.fixed64(BigInt(scalarOf(one)));
    }
    this.#writer.message(number, mark);
  }

  #field(number: number, type: Exclude<Type, "fixed64s" | "doubles">, value: Value): void {
    const writer = this.#writer;
    if (value instanceof Slot) return this.#slot(number, type, value);
    if (typeof type === "object") {
      const mark = writer.mark();
      this.message(type, fieldsOf(value));
      return writer.message(number, mark);
    }
    const scalar = scalarOf(value);
    switch (type) {
      case "text":
        return writer.string(number, String(scalar));
      case "varint":
        return writer.varint64Field(number, BigInt(scalar));
      case "fixed32":
        return writer.fixed32Field(number, Number(scalar));
      case "fixed64":
        return writer.fixed64Field(number, BigInt(scalar));
      case "double":
        return writer.doubleField(number, Number(scalar));
      case "bytes":
        throw new TypeError(`field ${number} has no slot`);
    }
  }

  /** As many zeros as stamp.ts writes over. */
  #slot(number: number, type: Type, slot: Slot): void {
    const width = type === "text" ? TEXT_BYTES[slot.kind] : slot.kind === "trace" ? 16 : 8;
    this.#slots.push({ slot, fromEnd: this.#writer.mark() + width });
    if (type === "fixed64") this.#writer.fixed64Field(number, 0n);
    else this.#writer.bytes(number, new Uint8Array(width));
  }
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function fieldsOf(value: Value): Fields {
  if (typeof value === "object" && !isList(value) && !(value instanceof Slot)) return value;
  throw new TypeError("a message has fields");
}

function scalarOf(value: Value): string | number | boolean {
  if (typeof value === "object") throw new TypeError("a scalar is expected");
  return value;
}

const ANY_VALUE: Message = {
  stringValue: [1, "text"],
  boolValue: [2, "varint"],
  intValue: [3, "varint"],
  doubleValue: [4, "double"],
};
const KEY_VALUE: Message = { key: [1, "text"], value: [2, ANY_VALUE] };
const POINT_TIMES: Message = { startTimeUnixNano: [2, "fixed64"], timeUnixNano: [3, "fixed64"] };
const NUMBER_POINT: Message = {
  ...POINT_TIMES,
  asDouble: [4, "double"],
  asInt: [6, "fixed64"],
  attributes: [7, KEY_VALUE],
};
const HISTOGRAM_POINT: Message = {
  ...POINT_TIMES,
  count: [4, "fixed64"],
  sum: [5, "double"],
  bucketCounts: [6, "fixed64s"],
  explicitBounds: [7, "doubles"],
  attributes: [9, KEY_VALUE],
};

/** What stands in the third level; field numbers of opentelemetry-proto 1.11. */
const ITEMS: Readonly<Record<Signal, Message>> = {
  traces: {
    traceId: [1, "bytes"],
    spanId: [2, "bytes"],
    parentSpanId: [4, "bytes"],
    name: [5, "text"],
    kind: [6, "varint"],
    startTimeUnixNano: [7, "fixed64"],
    endTimeUnixNano: [8, "fixed64"],
    attributes: [9, KEY_VALUE],
    status: [15, { message: [2, "text"], code: [3, "varint"] }],
    flags: [16, "fixed32"],
  },
  metrics: {
    name: [1, "text"],
    unit: [3, "text"],
    gauge: [5, { dataPoints: [1, NUMBER_POINT] }],
    sum: [7, { dataPoints: [1, NUMBER_POINT], aggregationTemporality: [2, "varint"], isMonotonic: [3, "varint"] }],
    histogram: [9, { dataPoints: [1, HISTOGRAM_POINT], aggregationTemporality: [2, "varint"] }],
  },
  logs: {
    timeUnixNano: [1, "fixed64"],
    severityNumber: [2, "varint"],
    severityText: [3, "text"],
    body: [5, ANY_VALUE],
    attributes: [6, KEY_VALUE],
    traceId: [9, "bytes"],
    spanId: [10, "bytes"],
    observedTimeUnixNano: [11, "fixed64"],
  },
};

const REQUESTS = { traces: requestOf("traces"), metrics: requestOf("metrics"), logs: requestOf("logs") };

function requestOf(signal: Signal): Message {
  const [resources, scopes, items] = LEVELS[signal];
  const scoped: Message = { scope: [1, { name: [1, "text"], version: [2, "text"] }], [items]: [2, ITEMS[signal]] };
  return { [resources]: [1, { resource: [1, { attributes: [1, KEY_VALUE] }], [scopes]: [2, scoped] }] };
}
