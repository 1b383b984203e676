/* oxlint-disable typescript/no-unsafe-type-assertion -- values are walked by the schema, which says what each is */
import protobuf from "protobufjs";
import * as fc from "fast-check";
import { seededRandom } from "../../../src/core/random.ts";
import type { Random } from "../../../src/core/random.ts";
import type { Signal } from "../../../src/otlp/signal.ts";
import { arbitraryRequest } from "./arbitraries.ts";
import { REQUEST_TYPE, typeOf } from "./oracle.ts";
import type { Plain, PlainValue } from "./oracle.ts";

export interface Encoding {
  readonly bytes: Uint8Array;
  /** What a full decode of `bytes` gives. */
  readonly plain: Plain;
}

/**
 * Requests in encodings that no sender would choose and every decoder must understand; see {@link
 * scramble}.
 */
export function arbitraryEncoding(signal: Signal): fc.Arbitrary<Encoding> {
  const seed = fc.noShrink(fc.integer({ min: 0, max: 0x7fffffff }));
  return fc
    .tuple(arbitraryRequest(signal), seed)
    .map(([plain, chosen]) => ({ plain, bytes: scramble(REQUEST_TYPE[signal], plain, seededRandom(chosen)) }));
}

/**
 * Valid bytes of `plain` with: fields in any order, message fields in two occurrences that merge,
 * decoys before the last scalar and before the last member of a oneof, repeated scalars packed and
 * unpacked, unknown fields of every wire type, varints longer than needed.
 */
export function scramble(name: string, plain: Plain, random: Random): Uint8Array {
  return Buffer.concat(new Scrambler(random).message(typeOf(name), plain));
}

type Choose = <T>(from: readonly T[]) => T;

const UNKNOWN_NUMBERS = [500, 1_999, 2_048, 100_000, 536_870_911];
const WIRE_TYPE: Readonly<Record<string, number>> = {
  double: 1,
  fixed64: 1,
  sfixed64: 1,
  string: 2,
  bytes: 2,
  fixed32: 5,
};

class Scrambler {
  readonly #random: Random;
  readonly #choose: Choose;
  constructor(random: Random) {
    this.#random = random;
    this.#choose = (from) => from[Math.floor(random.next() * from.length)]!;
  }

  /** The message as pieces; any cut between two pieces gives two messages that merge into it. */
  message(type: protobuf.Type, plain: Plain): Buffer[] {
    const ordered: Buffer[][] = [];
    for (const field of type.fieldsArray) {
      const value = plain[field.name];
      if (field.repeated) ordered.push(this.#repeated(field, value as PlainValue[] | undefined));
      else if (value !== undefined) ordered.push(this.#present(field, value));
      else if (field.partOf === null && !isMessage(field) && this.#chance(0.1)) ordered.push(this.#cleared(field));
    }
    while (this.#chance(0.2)) ordered.push([this.#unknown(0)]);
    return this.#interleave(ordered);
  }

  #repeated(field: protobuf.Field, values: readonly PlainValue[] = []): Buffer[] {
    if (wireType(field) === 2) {
      return values.map((value) => this.#lengthDelimited(field.id, this.#body(field, value)));
    }
    const pieces: Buffer[] = [];
    for (let at = 0; at < values.length; ) {
      const run = this.#chance(0.5) ? 1 : 1 + Math.floor(this.#random.next() * (values.length - at));
      const body = values.slice(at, at + run).map((value) => this.#scalar(field, value));
      if (run === 1 && this.#chance(0.5)) pieces.push(Buffer.concat([this.#tag(field.id, wireType(field)), body[0]!]));
      else pieces.push(this.#lengthDelimited(field.id, Buffer.concat(body)));
      at += run;
    }
    return pieces;
  }

  /** A singular field that is set, after what its last occurrence overrides. */
  #present(field: protobuf.Field, value: PlainValue): Buffer[] {
    const decoys: Buffer[] = [];
    const oneof = field.partOf?.fieldsArray ?? [field];
    if (oneof.length > 1) {
      while (this.#chance(0.15)) decoys.push(this.#decoy(this.#choose(oneof)));
      // The last occurrence of a message would merge with an earlier one; another member in between
      // clears that.
      if (decoys.length > 0 && isMessage(field)) decoys.push(this.#decoy(oneof.find((other) => other !== field)!));
    } else if (!isMessage(field)) while (this.#chance(0.15)) decoys.push(this.#decoy(field));
    return [...decoys, ...this.#occurrences(field, value)];
  }

  #occurrences(field: protobuf.Field, value: PlainValue): Buffer[] {
    if (!isMessage(field)) return [this.#occurrence(field, value)];
    const pieces = this.message(field.resolvedType as protobuf.Type, value as Plain);
    if (!this.#chance(0.25)) return [this.#lengthDelimited(field.id, Buffer.concat(pieces))];
    const cut = Math.floor(this.#random.next() * (pieces.length + 1));
    return [pieces.slice(0, cut), pieces.slice(cut)].map((part) =>
      this.#lengthDelimited(field.id, Buffer.concat(part)),
    );
  }

  /** A field without presence that is absent in the end: a value, then its default. */
  #cleared(field: protobuf.Field): Buffer[] {
    return [this.#decoy(field), this.#occurrence(field, defaultOf(field))];
  }

  #decoy(field: protobuf.Field): Buffer {
    if (isMessage(field)) return this.#lengthDelimited(field.id, Buffer.alloc(0));
    return this.#occurrence(field, decoyOf(field, Math.floor(this.#random.next() * 100)));
  }

  #occurrence(field: protobuf.Field, value: PlainValue): Buffer {
    if (wireType(field) === 2) return this.#lengthDelimited(field.id, this.#body(field, value));
    return Buffer.concat([this.#tag(field.id, wireType(field)), this.#scalar(field, value)]);
  }

  #body(field: protobuf.Field, value: PlainValue): Buffer {
    if (isMessage(field)) return Buffer.concat(this.message(field.resolvedType as protobuf.Type, value as Plain));
    return typeof value === "string" ? Buffer.from(value, "utf8") : (value as Buffer);
  }

  #scalar(field: protobuf.Field, value: PlainValue): Buffer {
    const out = Buffer.alloc(wireType(field) === 5 ? 4 : 8);
    switch (field.type) {
      case "double":
        out.writeDoubleLE(value as number);
        return out;
      case "fixed32":
        out.writeUInt32LE(value as number);
        return out;
      case "fixed64":
      case "sfixed64":
        out.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as string)));
        return out;
      case "sint32":
        return this.#varint(BigInt.asUintN(32, BigInt(((value as number) << 1) ^ ((value as number) >> 31))), 10);
      default:
        return this.#varint(BigInt.asUintN(64, BigInt(value as string | number | boolean)), 10);
    }
  }

  #unknown(depth: number): Buffer {
    const number = this.#choose(UNKNOWN_NUMBERS);
    const fill = Buffer.alloc(Math.floor(this.#random.next() * 20), 0x0a);
    switch (this.#choose([0, 1, 2, 3, 5])) {
      case 0:
        return Buffer.concat([this.#tag(number, 0), this.#varint(2n ** 63n, 10)]);
      case 1:
        return Buffer.concat([this.#tag(number, 1), Buffer.alloc(8, 0xff)]);
      case 2:
        return this.#lengthDelimited(number, fill);
      case 5:
        return Buffer.concat([this.#tag(number, 5), Buffer.alloc(4, 0xff)]);
      default: {
        const inside: Buffer[] = [];
        if (depth < 3) while (this.#chance(0.5)) inside.push(this.#unknown(depth + 1));
        return Buffer.concat([this.#tag(number, 3), ...inside, this.#tag(number, 4)]);
      }
    }
  }

  #lengthDelimited(number: number, body: Buffer): Buffer {
    return Buffer.concat([this.#tag(number, 2), this.#varint(BigInt(body.length), 5), body]);
  }

  /** Readers take tags and lengths of up to five bytes, as the reference implementation does. */
  #tag(number: number, wire: number): Buffer {
    return this.#varint((BigInt(number) << 3n) | BigInt(wire), 5);
  }

  #varint(value: bigint, maxBytes: number): Buffer {
    const out: number[] = [];
    let rest = value;
    for (; rest > 0x7fn; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
    out.push(Number(rest));
    while (out.length < maxBytes && this.#chance(0.05)) {
      out[out.length - 1]! |= 0x80;
      out.push(0);
    }
    return Buffer.from(out);
  }

  /** One of the orders that keep each list's own order. */
  #interleave(lists: readonly Buffer[][]): Buffer[] {
    const queues = lists.filter((list) => list.length > 0);
    if (this.#chance(0.3)) return queues.flat();
    const out: Buffer[] = [];
    const next = queues.map(() => 0);
    const open = queues.map((_, index) => index);
    while (open.length > 0) {
      const slot = Math.floor(this.#random.next() * open.length);
      const index = open[slot]!;
      out.push(queues[index]![next[index]!++]!);
      if (next[index] === queues[index]!.length) open.splice(slot, 1);
    }
    return out;
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
}

function isMessage(field: protobuf.Field): boolean {
  return field.resolvedType instanceof protobuf.Type;
}

function wireType(field: protobuf.Field): number {
  return isMessage(field) ? 2 : (WIRE_TYPE[field.type] ?? 0);
}

function defaultOf(field: protobuf.Field): PlainValue {
  if (field.type === "string") return "";
  return field.type === "bytes" ? Buffer.alloc(0) : 0;
}

function decoyOf(field: protobuf.Field, value: number): PlainValue {
  if (field.type === "string") return `decoy ${value}`;
  return field.type === "bytes" ? Buffer.alloc(16, value) : value;
}
