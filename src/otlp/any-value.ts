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
    if (tag === STRING || tag === ARRAY) {
      const length = readLength(c);
      if (length < 0) return UNSEEN;
      const to = c.at + length;
      seen = tag === STRING ? textOf(bytes, c.at, to) : merge(seen, seeArray(bytes, c.at, to, depth + 1));
      c.at = to;
    } else if (tag === BOOL || tag === INT) {
      const from = c.at;
      const value = readVarint(c);
      if (value < 0) return UNSEEN;
      seen = tag === BOOL ? value !== 0 : int64Of(bytes, from, c.at);
    } else {
      const from = c.at;
      if (tag < 0 || !skipValue(c, tag)) return UNSEEN;
      if (tag === DOUBLE) seen = viewOf(bytes).getFloat64(from, true);
      else if (tag === KVLIST || tag === BYTES) seen = UNSEEN;
    }
  }
  return seen;
}

/** An array that occurs twice merges: its elements follow those of the first. */
function merge(before: Seen, elements: Seen): Seen {
  return isArray(before) && isArray(elements) ? [...before, ...elements] : elements;
}

function isArray(seen: Seen): seen is readonly Seen[] {
  return typeof seen === "object";
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
