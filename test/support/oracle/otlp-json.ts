/* oxlint-disable typescript/no-unsafe-type-assertion -- values are walked by the schema, which says what each is */
import protobuf from "protobufjs";
import type { Random } from "../../../src/core/random.ts";
import type { Signal } from "../../../src/otlp/signal.ts";
import { normalize, REQUEST_TYPE, typeOf } from "./oracle.ts";
import type { Plain, PlainValue } from "./oracle.ts";

/**
 * A request as OTLP/JSON text. With `random`: in any of the spellings that the mapping allows
 * (integers bare or as text, hex in capitals, URL-safe base64, unknown names, nulls, keys in any
 * order).
 */
export function toOtlpJson(signal: Signal, plain: Plain, random?: Random): string {
  return new Spelling(random).message(typeOf(REQUEST_TYPE[signal]), plain);
}

/** What OTLP/JSON text means, as a decode of the same request in protobuf would give it. */
export function readOtlpJson(signal: Signal, text: string): Plain {
  return normalize(REQUEST_TYPE[signal], JSON.parse(text, withIds) as Plain);
}

/** Ids in base64, as protobufjs wants bytes. */
function withIds(key: string, value: unknown): unknown {
  return ID_FIELDS.has(key) && typeof value === "string" ? Buffer.from(value, "hex").toString("base64") : value;
}

const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"]);

class Spelling {
  readonly #random: Random | undefined;
  constructor(random: Random | undefined) {
    this.#random = random;
  }

  message(type: protobuf.Type, plain: Plain): string {
    const members: string[] = [];
    for (const field of type.fieldsArray) {
      const value = plain[field.name];
      if (value !== undefined)
        members.push(`${this.#space()}"${field.name}":${this.#space()}${this.#field(field, value)}`);
      else if (this.#chance(0.03)) members.push(`"${field.name}":null`);
    }
    if (this.#chance(0.1)) members.push('"unknown_thing":{"spans":[1,"}",null]}');
    if (this.#chance(0.1)) members.reverse();
    return `{${members.join(",")}${this.#space()}}`;
  }

  #field(field: protobuf.Field, value: PlainValue): string {
    if (!field.repeated) return this.#value(field, value);
    return `[${(value as PlainValue[]).map((entry) => this.#value(field, entry)).join(",")}]`;
  }

  #value(field: protobuf.Field, value: PlainValue): string {
    if (field.resolvedType instanceof protobuf.Type) return this.message(field.resolvedType, value as Plain);
    if (Buffer.isBuffer(value)) return `"${this.#bytes(field.name, value)}"`;
    if (field.type === "string") return JSON.stringify(value);
    if (field.type === "double") return this.#double(value as number);
    if (field.resolvedType === null && typeof value !== "boolean") return this.#integer(field.type, String(value));
    return String(value);
  }

  #integer(type: string, value: string): string {
    const shown = this.#chance(0.1) ? `${value}.0` : value;
    const bare = this.#random === undefined ? !type.includes("64") : this.#chance(0.5);
    return bare ? shown : `"${shown}"`;
  }

  #double(value: number): string {
    if (!Number.isFinite(value)) return `"${value}"`;
    const text = Object.is(value, -0) ? "-0" : String(value);
    return this.#chance(0.2) ? `"${text}"` : text;
  }

  #bytes(name: string, value: Buffer): string {
    if (ID_FIELDS.has(name)) return this.#chance(0.3) ? value.toString("hex").toUpperCase() : value.toString("hex");
    return this.#chance(0.3) ? value.toString("base64url") : value.toString("base64");
  }

  #space(): string {
    return this.#chance(0.05) ? " \r\n\t" : "";
  }

  #chance(probability: number): boolean {
    return this.#random !== undefined && this.#random.next() < probability;
  }
}
