import { Unreachable } from "../../core/unreachable.ts";
import { type Excess, NO_LIMITS, type RequestLimits } from "../limits.ts";
import { ProtoWriter } from "../proto-writer.ts";
import type { Signal } from "../signal.ts";
import type { Field, Message } from "./message.ts";
import { readJson } from "./read-json.ts";
import { REQUESTS } from "./requests.ts";

/**
 * `rejected` of what `partial_success` counts were left out, and `message` names the first place;
 * it can be set without a count, when a metric without data points was bad.
 */
export type Transcoded =
  | { readonly ok: true; readonly bytes: Uint8Array; readonly rejected: number; readonly message: string }
  /** With `excess` it holds too much of that, and was not looked at any further. */
  | { readonly ok: false; readonly message: string; readonly path: string; readonly excess?: Excess };

/**
 * What `transcode` gives, by way of objects. Parsing takes up to 14 times `body` in memory while it
 * runs (a list of short objects; spans take 2 times), which nobody has reserved.
 */
export function transcodeParsed(
  signal: Signal,
  body: Uint8Array,
  limits: RequestLimits = NO_LIMITS,
  scratch?: Buffer,
): Transcoded {
  const read = readJson(body, limits);
  if (!read.ok) return { ...read, path: "" };
  // Spans in protobuf take about half of what they take in JSON.
  return new Transcoding(new ProtoWriter(body.length >> 1, scratch)).run(REQUESTS[signal], read.value);
}

/** The limit of the common protobuf decoders: what is deeper would be refused further on. */
const MAX_DEPTH = 100;

/**
 * One walk over a request. Runs from the last field and element to the first, because the writer
 * does; so what is noted last about bad items is about the first of them.
 */
class Transcoding {
  readonly #out: ProtoWriter;
  #rejected = 0;
  #places = 0;
  /** Where the walk is: a field for each level, and its element, or -1. */
  readonly #names: string[] = [];
  readonly #indexes: number[] = [];
  #problem = "";
  /**
   * Where the last problem was, as above. Its text is made once, at the end: there may be a million
   * bad elements.
   */
  #levels = 0;
  readonly #badNames: string[] = [];
  readonly #badIndexes: number[] = [];

  constructor(out: ProtoWriter) {
    this.#out = out;
  }

  run(message: Message, value: unknown): Transcoded {
    if (!this.#message(message, value, 0)) return { ok: false, message: this.#problem, path: this.#path() };
    const more = this.#places > 1 ? ` (and ${this.#places - 1} more)` : "";
    const told = this.#places === 0 ? "" : `${this.#path()}: ${this.#problem}${more}`;
    return { ok: true, bytes: this.#out.finish(), rejected: this.#rejected, message: told };
  }

  /** False after a bad value, with its problem and path set. */
  #message(message: Message, value: unknown, depth: number): boolean {
    if (!isObject(value)) return this.#fail(depth, "must be an object");
    if (depth > MAX_DEPTH) return this.#fail(depth, `is nested deeper than ${MAX_DEPTH} messages`);
    let chosen: string | undefined;
    for (let i = message.fields.length - 1; i >= 0; i--) {
      const field = message.fields[i]!;
      const part = value[field.name];
      if (part === undefined || part === null) continue;
      this.#names[depth] = field.name;
      this.#indexes[depth] = -1;
      if (field.oneof) {
        if (chosen !== undefined) return this.#fail(depth, `cannot have both ${field.name} and ${chosen}`);
        chosen = field.name;
      }
      if (!this.#field(field, part, depth)) return false;
    }
    return true;
  }

  #field(field: Field, value: unknown, depth: number): boolean {
    switch (field.kind) {
      case "scalar":
        return this.#scalar(field, value, depth);
      case "message": {
        const mark = this.#out.mark();
        if (!this.#message(field.message, value, depth + 1)) return false;
        this.#out.message(field.number, mark);
        return true;
      }
      case "scalars":
      case "packed":
      case "messages":
        if (!Array.isArray(value)) return this.#fail(depth + 1, "must be an array");
        if (field.kind === "packed") return this.#packed(field, value, depth);
        return this.#list(field, value, depth);
      default:
        throw new Unreachable(field.kind);
    }
  }

  #scalar(field: Field, value: unknown, depth: number): boolean {
    const problem = field.write(this.#out, field.number, value, field.presence);
    return problem === "" || this.#fail(depth + 1, problem);
  }

  #packed(field: Field, values: readonly unknown[], depth: number): boolean {
    if (values.length === 0) return true;
    const mark = this.#out.mark();
    for (let i = values.length - 1; i >= 0; i--) {
      this.#indexes[depth] = i;
      const problem = field.writePacked(this.#out, values[i]);
      if (problem !== "") return this.#fail(depth + 1, problem);
    }
    this.#out.message(field.number, mark);
    return true;
  }

  #list(field: Field, values: readonly unknown[], depth: number): boolean {
    for (let i = values.length - 1; i >= 0; i--) {
      this.#indexes[depth] = i;
      const mark = this.#out.mark();
      const rejected = this.#rejected;
      if (field.kind === "scalars") {
        if (!this.#scalar(field, values[i], depth)) return false;
      } else if (this.#message(field.message, values[i], depth + 1)) this.#out.message(field.number, mark);
      else if (field.lost === undefined) return false;
      else {
        this.#out.rewind(mark);
        this.#rejected = rejected + field.lost(values[i]);
        this.#places++;
      }
    }
    return true;
  }

  #fail(levels: number, problem: string): false {
    this.#levels = levels;
    for (let level = 0; level < levels; level++) {
      this.#badNames[level] = this.#names[level]!;
      this.#badIndexes[level] = this.#indexes[level]!;
    }
    this.#problem = problem;
    return false;
  }

  #path(): string {
    let path = "";
    for (let level = 0; level < this.#levels; level++) {
      const index = this.#badIndexes[level]!;
      path += (level === 0 ? "" : ".") + this.#badNames[level]! + (index < 0 ? "" : `[${index}]`);
    }
    return path;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
