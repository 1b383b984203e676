import { LOGS_REQUEST } from "../otlp/json/logs.ts";
import type { Field, Message } from "../otlp/json/message.ts";
import { METRICS_REQUEST } from "../otlp/json/metrics.ts";
import { TRACES_REQUEST } from "../otlp/json/traces.ts";
import { ProtoWriter } from "../otlp/proto-writer.ts";
import type { Signal } from "../otlp/signal.ts";

/** A place in a request that is filled each time it is sent: stamp.ts. */
export class FieldSlot {
  /** A running number (span ids, parents, sequences), the id of a trace, or a time. */
  readonly kind: "number" | "trace" | "time";
  /**
   * The item whose number it is, or with which the trace begins; of a time, nanoseconds after the
   * request's own.
   */
  readonly of: number;

  constructor(kind: FieldSlot["kind"], of: number) {
    this.kind = kind;
    this.of = of;
  }
}

/**
 * What a request says, in the shape of OTLP/JSON (opentelemetry-proto 1.11, docs/specification.md
 * "JSON Protobuf Encoding"): 64-bit numbers are decimal texts, enums are numbers.
 */
export type Value = string | number | boolean | FieldSlot | readonly Value[] | EncodableFields;

interface EncodableFields {
  readonly [name: string]: Value | undefined;
}

/** A request whose slots are still empty, and where they are. */
interface Encoded {
  readonly bytes: Uint8Array;
  readonly slots: readonly { readonly slot: FieldSlot; readonly at: number }[];
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

export function encodeJson(request: EncodableFields): Encoded {
  const slots: FieldSlot[] = [];
  const json = JSON.stringify(request, (_, value: unknown) => {
    if (!(value instanceof FieldSlot)) return value;
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

/**
 * By the tables of fields that transcode OTLP/JSON. Meant for preparing requests, not for each one.
 */
export function encodeProtobuf(signal: Signal, request: EncodableFields): Encoded {
  const encoder = new ProtobufEncoder();
  encoder.message(REQUESTS[signal], request);
  return encoder.finish();
}

const REQUESTS = { traces: TRACES_REQUEST, metrics: METRICS_REQUEST, logs: LOGS_REQUEST } as const;

/** Writes the last field first, as the writer wants it. */
class ProtobufEncoder {
  readonly #writer = new ProtoWriter(4_096);
  readonly #slots: { readonly slot: FieldSlot; readonly fromEnd: number }[] = [];

  message({ fields }: Message, values: EncodableFields): void {
    for (const field of fields.toReversed()) {
      const value = values[field.name];
      if (value !== undefined) this.#field(field, value);
    }
  }

  finish(): Encoded {
    const bytes = this.#writer.finish();
    return { bytes, slots: this.#slots.map(({ slot, fromEnd }) => ({ slot, at: bytes.length - fromEnd })) };
  }

  #field(field: Field, value: Value): void {
    const mark = this.#writer.mark();
    if (value instanceof FieldSlot) {
      // As many bytes as stamp.ts writes over. No time is 0, because a 0 is not written.
      const isText = field.name === "stringValue";
      this.#slots.push({ slot: value, fromEnd: mark + (isText || value.kind === "trace" ? 16 : 8) });
      this.#scalar(field, value.kind === "time" ? "1" : "0".repeat(TEXT_BYTES[value.kind]));
    } else if (isList(value)) {
      for (const one of value.toReversed()) {
        if (field.kind === "packed") field.writePacked(this.#writer, one);
        else this.#field(field, one);
      }
      if (field.kind === "packed") this.#writer.message(field.number, mark);
    } else if (typeof value === "object") {
      this.message(field.message, value);
      this.#writer.message(field.number, mark);
    } else {
      this.#scalar(field, value);
    }
  }

  #scalar(field: Field, value: unknown): void {
    const problem = field.write(this.#writer, field.number, value, field.presence);
    if (problem !== "") throw new TypeError(`${field.name} ${problem}`);
  }
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
