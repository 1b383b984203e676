import { isUtf8 } from "node:buffer";
import { NO_LIMITS, type RequestLimits } from "../limits.ts";
import type { Signal } from "../signal.ts";
import { directPacked, directScalar } from "./direct-scalar.ts";
import { ForwardWriter } from "./forward-writer.ts";
import {
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  JsonCursor,
  NULL,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from "./json-cursor.ts";
import type { Field, Message } from "./message.ts";
import { type NamedField, NamedFields } from "./named-fields.ts";
import { REQUESTS } from "./requests.ts";
import { KINDS, KINDS_OF_LISTS, objectsOf } from "./survey.ts";

/**
 * OTLP/JSON to protobuf in one pass over the bytes, without an object for anything in them: what
 * `transcode` gives for a request in which all is right. Undefined for any other: where something
 * is wrong, stands twice, is more than limits allow or is spelled in a rare way, `transcode` says
 * what that means. Fields come in the order of the text.
 */
export function transcodeDirect(
  signal: Signal,
  body: Uint8Array,
  limits: RequestLimits = NO_LIMITS,
  scratch?: Buffer,
): Uint8Array | undefined {
  if (!isUtf8(body)) return undefined;
  const done = walk.run(NAMED[signal], body, limits, scratch);
  const bytes = done ? walk.finish() : undefined;
  walk.end();
  return bytes;
}

/** As `transcode`: deeper messages are refused by the common decoders. */
const MAX_DEPTH = 100;
/** So deep are unknown values read here. */
const MAX_UNKNOWN_DEPTH = 64;
/** So many unknown names are passed over. Whether more are too many is told elsewhere. */
const MAX_UNKNOWN = 1_024;

/** One for all texts: each is over before another one begins. */
class DirectWalk {
  readonly #c = new JsonCursor();
  readonly #out = new ForwardWriter();
  /** What may still come, by kind of list. */
  readonly #left = new Int32Array(KINDS.length + 1);

  run(fields: NamedFields, body: Uint8Array, limits: RequestLimits, scratch: Buffer | undefined): boolean {
    const c = this.#c;
    c.begin(body, objectsOf(body.length), MAX_UNKNOWN);
    this.#out.begin(body.length, scratch);
    this.#left[0] = limits.maxResources;
    this.#left[1] = limits.maxScopes;
    this.#left[2] = limits.maxItems;
    this.#left[3] = limits.maxPoints;
    this.#left[4] = limits.maxAttributes;
    this.#left[KINDS.length] = 0x7fff_ffff;
    return this.#object(fields, 0) && c.peek() === -1;
  }

  finish(): Uint8Array {
    return this.#out.finish();
  }

  end(): void {
    this.#c.begin(NOTHING, 0, 0);
    this.#out.end();
  }

  #object(fields: NamedFields, depth: number): boolean {
    const c = this.#c;
    if (depth > MAX_DEPTH || !c.take(OPEN_OBJECT) || --c.objects < 0) return false;
    if (c.take(CLOSE_OBJECT)) return true;
    let seen = 0;
    let chosen = false;
    let after = -1;
    do {
      if (c.peek() !== QUOTE) return false;
      const named = fields.take(c, after);
      if (named === undefined) {
        // One that is escaped may be a known one.
        if (c.plainEnd() < 0 || !c.skipMember(MAX_UNKNOWN_DEPTH)) return false;
        continue;
      }
      after = named.place;
      if ((seen & (1 << after)) !== 0 || !c.take(COLON)) return false;
      seen |= 1 << after;
      if (c.peek() === NULL[0]) {
        if (!c.takeWord(NULL)) return false;
        continue;
      }
      if (named.field.oneof && chosen) return false;
      chosen ||= named.field.oneof;
      if (!this.#value(named, depth)) return false;
    } while (c.take(COMMA));
    return c.take(CLOSE_OBJECT);
  }

  #value(named: NamedField, depth: number): boolean {
    const c = this.#c;
    this.#out.reserve(c.end - c.at);
    switch (named.field.kind) {
      case "scalar":
        return directScalar(c, this.#out, named);
      case "message":
        return this.#message(named, depth);
      default:
        if (!c.take(OPEN_LIST) || --c.objects < 0) return false;
        if (c.take(CLOSE_LIST)) return true;
        return (named.field.kind === "packed" ? this.#packed(named) : this.#list(named, depth)) && c.take(CLOSE_LIST);
    }
  }

  #message(named: NamedField, depth: number): boolean {
    const out = this.#out;
    out.tag(named.tag);
    const guess = named.lengthBytes;
    const start = out.open(guess);
    return this.#object(named.fields!, depth + 1) && this.#close(named, start, guess);
  }

  #list(named: NamedField, depth: number): boolean {
    const c = this.#c;
    do {
      if (--this.#left[named.counts]! < 0) return false;
      c.peek();
      this.#out.reserve(c.end - c.at);
      const done = named.fields === undefined ? directScalar(c, this.#out, named) : this.#message(named, depth);
      if (!done) return false;
    } while (c.take(COMMA));
    return true;
  }

  #packed(named: NamedField): boolean {
    const c = this.#c;
    const out = this.#out;
    out.tag(named.tag);
    const guess = named.lengthBytes;
    const start = out.open(guess);
    do {
      c.peek();
      out.reserve(c.end - c.at);
      if (!directPacked(c, out, named.field.scalar)) return false;
    } while (c.take(COMMA));
    return this.#close(named, start, guess);
  }

  #close(named: NamedField, start: number, guess: number): boolean {
    const size = this.#out.close(start, guess);
    named.lengthBytes = Math.max(1, size);
    return size > 0;
  }
}

const NOTHING = new Uint8Array(0);

/** Of all messages below this one, itself included; a message may be below itself. */
function nameFields(message: Message, known: Map<Message, NamedFields>): NamedFields {
  const before = known.get(message);
  if (before !== undefined) return before;
  const fields = new NamedFields();
  known.set(message, fields);
  const of = ({ kind, message: below }: Field): NamedFields | undefined =>
    kind === "message" || kind === "messages" ? nameFields(below, known) : undefined;
  fields.fill(message, of, ({ name }) => KINDS_OF_LISTS.get(name) ?? KINDS.length);
  return fields;
}

const ALL = new Map<Message, NamedFields>();
const NAMED: Readonly<Record<Signal, NamedFields>> = {
  traces: nameFields(REQUESTS.traces, ALL),
  metrics: nameFields(REQUESTS.metrics, ALL),
  logs: nameFields(REQUESTS.logs, ALL),
};

const walk = new DirectWalk();
