import type { Signal } from "../signal.ts";
import { Cursor, MAX_DEPTH, MALFORMED, readLength, readTag, skipValue, WIRE } from "../wire.ts";
import { JsonOut } from "./json-out.ts";
import type { Field, Message } from "./message.ts";
import { type NumberedField, type NumberedFields, numberFields } from "./numbered-fields.ts";
import { REQUESTS } from "./requests.ts";
import { writeJsonScalar } from "./write-json-scalar.ts";

type WrittenJson =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly kind: "malformed" | "too_large" };

/**
 * An Export request in protobuf as OTLP/JSON: ids in hex, enums as numbers, integers of 64 bits as
 * texts, other bytes in base64. As a decoder would have it: of what stands twice the last counts,
 * or both together; what OTLP does not know is left out. `too_large`: the text would be longer than
 * `most` bytes, of which no more were written. The result is the caller's.
 */
export function writeJson(signal: Signal, request: Uint8Array, most: number): WrittenJson {
  return writer.run(FIELDS[signal], request, most);
}

/** JSON takes about 2.2 times as long as protobuf. */
const USUAL_EXPANSION = 2.5;
/** Of a place in the stack: the next of the same field, where the value is, its wire type. */
const PLACE = 4;
const NONE = -1;

/** One for all requests: each is over before another one begins. */
class JsonWriter {
  readonly #out = new JsonOut();
  readonly #c = new Cursor(NOTHING, 0, 0);
  /** Of the messages that are open: the first and last place of each field, then the places. */
  #stack = new Int32Array(1_024);
  #top = 0;

  run(fields: NumberedFields, request: Uint8Array, most: number): WrittenJson {
    this.#out.begin(Math.ceil(USUAL_EXPANSION * request.length), most);
    this.#c.reset(request, 0, 0);
    this.#top = 0;
    const whole = this.#object(fields, this.#push(0, request.length, WIRE.LEN), true, 0);
    this.#c.reset(NOTHING, 0, 0);
    if (this.#stack.length > KEPT_PLACES) this.#stack = new Int32Array(KEPT_PLACES);
    const { full } = this.#out;
    const bytes = this.#out.finish();
    if (full) return { ok: false, kind: "too_large" };
    return whole ? { ok: true, bytes } : { ok: false, kind: "malformed" };
  }

  /** A message, in one place or in all that follow it. False: it is malformed, or `full`. */
  #object(fields: NumberedFields, place: number, isOne: boolean, depth: number): boolean {
    if (depth > MAX_DEPTH) return false;
    const base = this.#top;
    this.#room(2 * fields.inOrder.length);
    for (let at = base; at < this.#top; at++) this.#stack[at] = NONE; // few: less than a call of fill
    for (let at = place; at !== NONE; at = isOne ? NONE : this.#stack[at]!) {
      if (!this.#collect(fields, base, this.#stack[at + 1]!, this.#stack[at + 2]!, depth)) return false;
    }
    if (fields.oneof.length > 0) this.#chooseLast(fields.oneof, base);
    this.#out.ascii("{");
    let isEmpty = true;
    for (const numbered of fields.inOrder) {
      const first = this.#stack[base + 2 * numbered.place]!;
      if (first === NONE) continue;
      isEmpty = false;
      this.#out.bytes(numbered.key);
      if (!this.#value(numbered, first, this.#stack[base + 2 * numbered.place + 1]!, depth)) return false;
      this.#out.ascii(",");
    }
    if (!isEmpty) this.#out.back();
    this.#out.ascii("}");
    this.#top = base;
    return !this.#out.full;
  }

  /** Where the fields of a message are. */
  #collect(fields: NumberedFields, base: number, start: number, end: number, depth: number): boolean {
    const c = this.#c;
    c.at = start;
    c.end = end;
    while (c.at < end) {
      const tag = readTag(c);
      if (tag === MALFORMED) return false;
      let from = c.at;
      if ((tag & 7) === WIRE.LEN) {
        const length = readLength(c);
        if (length === MALFORMED) return false;
        from = c.at;
        c.at += length;
      } else if (!skipValue(c, tag, depth)) return false;
      const numbered = fields.byNumber[tag >>> 3];
      if (numbered === undefined || !isOf(numbered, tag & 7)) continue;
      const last = base + 2 * numbered.place + 1;
      const pushed = this.#push(from, c.at, tag & 7);
      if (this.#stack[last] === NONE) this.#stack[last - 1] = pushed;
      else this.#stack[this.#stack[last]!] = pushed;
      this.#stack[last] = pushed;
    }
    return true;
  }

  /** Of the members of a oneof the one that came last is it. */
  #chooseLast(oneof: readonly NumberedField[], base: number): void {
    let chosen = NONE;
    for (const { place } of oneof) chosen = Math.max(chosen, this.#stack[base + 2 * place + 1]!);
    for (const { place } of oneof) {
      if (this.#stack[base + 2 * place + 1] !== chosen) this.#stack[base + 2 * place] = NONE;
    }
  }

  #value(numbered: NumberedField, first: number, last: number, depth: number): boolean {
    switch (numbered.field.kind) {
      case "scalar":
        return writeJsonScalar(
          this.#out,
          numbered.field.scalar,
          this.#c.bytes,
          this.#stack[last + 1]!,
          this.#stack[last + 2]!,
        );
      case "message":
        return this.#object(numbered.fields!, first, false, depth + 1);
      default:
        return this.#list(numbered, first, depth);
    }
  }

  #list(numbered: NumberedField, first: number, depth: number): boolean {
    const before = this.#out.length + 1;
    this.#out.ascii("[");
    for (let at = first; at !== NONE; at = this.#stack[at]!) {
      if (!this.#element(numbered, at, depth) || this.#out.full) return false;
    }
    if (this.#out.length > before) this.#out.back();
    this.#out.ascii("]");
    return true;
  }

  /** An element, or all of a packed list, with a comma behind each. */
  #element(numbered: NumberedField, at: number, depth: number): boolean {
    const { field, fields } = numbered;
    const start = this.#stack[at + 1]!;
    const end = this.#stack[at + 2]!;
    if (field.kind === "packed" && this.#stack[at + 3] === WIRE.LEN) return this.#packed(field, start, end);
    const done =
      fields === undefined
        ? writeJsonScalar(this.#out, field.scalar, this.#c.bytes, start, end)
        : this.#object(fields, at, true, depth + 1);
    this.#out.ascii(",");
    return done;
  }

  #packed({ scalar, wire }: Field, start: number, end: number): boolean {
    const c = this.#c;
    let from = start;
    while (from < end) {
      c.at = from;
      c.end = end;
      if (!skipValue(c, wire)) return false;
      writeJsonScalar(this.#out, scalar, c.bytes, from, c.at);
      this.#out.ascii(",");
      from = c.at;
    }
    return true;
  }

  #push(start: number, end: number, wire: number): number {
    const at = this.#top;
    this.#room(PLACE);
    this.#stack[at] = NONE;
    this.#stack[at + 1] = start;
    this.#stack[at + 2] = end;
    this.#stack[at + 3] = wire;
    return at;
  }

  #room(places: number): void {
    this.#top += places;
    if (this.#top <= this.#stack.length) return;
    const grown = new Int32Array(Math.max(this.#top, 2 * this.#stack.length));
    grown.set(this.#stack);
    this.#stack = grown;
  }
}

/** A field of another wire type than its own is one that nobody knows. */
function isOf({ field, fields }: NumberedField, wire: number): boolean {
  if (fields !== undefined) return wire === WIRE.LEN;
  return wire === field.wire || (field.kind === "packed" && wire === WIRE.LEN);
}

const NOTHING = new Uint8Array(0);
/** What one request of many fields needed is not kept. */
const KEPT_PLACES = 65_536;

const ALL = new Map<Message, NumberedFields>();
const FIELDS: Readonly<Record<Signal, NumberedFields>> = {
  traces: numberFields(REQUESTS.traces, ALL),
  metrics: numberFields(REQUESTS.metrics, ALL),
  logs: numberFields(REQUESTS.logs, ALL),
};

const writer = new JsonWriter();
