import { Cursor, readLength, readTag, readVarint, skipValue } from "./wire.ts";

/**
 * What a rule can see of an AnyValue: 64-bit integers above 2^53 as bigint, arrays as arrays, and UNSEEN for what
 * rules cannot compare (an empty value, bytes, a list of key-values). `undefined` is kept for "there is no such attribute".
 */
export type Seen = string | number | bigint | boolean | readonly Seen[] | typeof UNSEEN;
export const UNSEEN = Symbol("a value that rules cannot compare");

const STRING = 0x0a;
const BOOL = 0x10;
const INT = 0x18;
const DOUBLE = 0x21;
const ARRAY = 0x2a;
const KVLIST = 0x32;
const BYTES = 0x3a;
const ARRAY_VALUES = 0x0a;

/** Arrays nested deeper than this are not looked into. */
const MAX_DEPTH = 16;

/** Decodes the AnyValue in [start, end): the last member of the oneof counts. A malformed value is UNSEEN. */
export function seeValue(bytes: Uint8Array, start: number, end: number): Seen {
  return see(bytes, start, end, 0);
}

function see(bytes: Uint8Array, start: number, end: number, depth: number): Seen {
  const c = new Cursor(bytes, start, end);
  let seen: Seen = UNSEEN;
  while (c.at < end) {
    const tag = readTag(c);
    switch (tag) {
      case STRING: {
        const length = readLength(c);
        if (length < 0) return UNSEEN;
        seen = textOf(bytes, c.at, c.at + length);
        c.at += length;
        break;
      }
      case BOOL: {
        const value = readVarint(c);
        if (value < 0) return UNSEEN;
        seen = value !== 0;
        break;
      }
      case INT: {
        const from = c.at;
        if (readVarint(c) < 0) return UNSEEN;
        seen = int64Of(bytes, from, c.at);
        break;
      }
      case DOUBLE:
        if (c.end - c.at < 8) return UNSEEN;
        seen = viewOf(bytes).getFloat64(c.at, true);
        c.at += 8;
        break;
      case ARRAY: {
        const length = readLength(c);
        if (length < 0) return UNSEEN;
        const elements = seeArray(bytes, c.at, c.at + length, depth + 1);
        seen = Array.isArray(seen) && Array.isArray(elements) ? [...(seen as Seen[]), ...(elements as Seen[])] : elements;
        c.at += length;
        break;
      }
      default:
        if (tag < 0 || !skipValue(c, tag)) return UNSEEN;
        if (tag === KVLIST || tag === BYTES) seen = UNSEEN;
    }
  }
  return seen;
}

function seeArray(bytes: Uint8Array, start: number, end: number, depth: number): Seen {
  if (depth > MAX_DEPTH) return UNSEEN;
  const c = new Cursor(bytes, start, end);
  const elements: Seen[] = [];
  while (c.at < end) {
    const tag = readTag(c);
    if (tag === ARRAY_VALUES) {
      const length = readLength(c);
      if (length < 0) return UNSEEN;
      elements.push(see(bytes, c.at, c.at + length, depth));
      c.at += length;
    } else if (tag < 0 || !skipValue(c, tag)) {
      return UNSEEN;
    }
  }
  return elements;
}

/** A varint as a signed 64-bit integer: a number when it is exact as one, a bigint otherwise. */
export function int64Of(bytes: Uint8Array, start: number, end: number): number | bigint {
  if (end - start <= 4) {
    let value = 0;
    for (let i = end - 1; i >= start; i--) value = value * 128 + (bytes[i]! & 0x7f);
    return value;
  }
  let value = 0n;
  for (let i = end - 1; i >= start; i--) value = (value << 7n) | BigInt(bytes[i]! & 0x7f);
  const signed = BigInt.asIntN(64, value);
  const number = Number(signed);
  return Number.isSafeInteger(number) ? number : signed;
}

/** The text of UTF-8 bytes in [start, end). */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
