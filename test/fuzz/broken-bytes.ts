import * as fc from "fast-check";
import type { Signal } from "../../src/otlp/signal.ts";
import { decodeRequest } from "../support/oracle/oracle.ts";
import { arbitraryEncoding } from "../support/oracle/scramble.ts";

/**
 * Byte strings for a receiver: rarely sound, mostly broken in one place or a few, sometimes nothing
 * but noise.
 */
export function arbitraryBytes(signal: Signal): fc.Arbitrary<Buffer> {
  const sound = arbitraryEncoding(signal).map(({ bytes }): Buffer => Buffer.from(bytes));
  const damaged = fc.tuple(sound, fc.array(arbitraryDamage, { minLength: 1, maxLength: 3 }));
  return fc.oneof(
    { arbitrary: sound, weight: 2 },
    {
      arbitrary: damaged.map(([bytes, damages]) => damages.reduce<Buffer>((all, hurt) => hurt(all), bytes)),
      weight: 9,
    },
    { arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes): Buffer => Buffer.from(bytes)), weight: 1 },
  );
}

/** Whether a full decoder takes it. */
export function decodes(signal: Signal, bytes: Uint8Array): boolean {
  try {
    decodeRequest(signal, bytes);
    return true;
  } catch {
    return false;
  }
}

export type Damage = (bytes: Buffer) => Buffer;

/**
 * Lengths, tags and numbers as no encoder writes them; the last ones are a varint without end, and
 * one of eleven bytes.
 */
const ODD_VARINTS = [
  "00",
  "7f",
  "ffffffff07",
  "ffffffff0f",
  "80808080808080808001",
  "ffffffffffffffffff01",
  "ffff",
  "80".repeat(11),
];

const place = fc.nat({ max: 100_000 });

/** One change to a byte string. */
export const arbitraryDamage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 7 })).map(([at, bit]) => replace(at, (byte) => byte ^ (1 << bit))),
  fc.tuple(place, fc.nat({ max: 255 })).map(([at, value]) => replace(at, () => value)),
  fc.tuple(place, fc.integer({ min: -3, max: 3 })).map(([at, by]) => replace(at, (byte) => (byte + by) & 0xff)),
  place.map(
    (at): Damage =>
      (bytes) =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc.tuple(place, fc.constantFrom(...ODD_VARINTS)).map(([at, hex]) => insert(at, Buffer.from(hex, "hex"))),
  fc.tuple(place, fc.uint8Array({ maxLength: 9 })).map(([at, more]) => insert(at, Buffer.from(more))),
  fc.tuple(place, place).map(([from, count]) => cut(from, count % 9)),
  fc.tuple(place, place).map(([from, to]) => repeat(from, to)),
);

function replace(place_: number, change: (byte: number) => number): Damage {
  return (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[place_ % copy.length] = change(copy[place_ % copy.length]!);
    return copy;
  };
}

function insert(place_: number, more: Buffer): Damage {
  return (bytes) => {
    const at = place_ % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  };
}

function cut(place_: number, count: number): Damage {
  return (bytes) => {
    const at = place_ % (bytes.length + 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)]);
  };
}

/** A stretch of it stands twice. */
function repeat(one: number, other: number): Damage {
  return (bytes) => {
    const [from, to] = [one % (bytes.length + 1), other % (bytes.length + 1)].toSorted((a, b) => a - b);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  };
}
