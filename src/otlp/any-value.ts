import { viewBuffer } from "../core/bytes.ts";
import { Cursor, readLength, readTag, readVarint, skipValue } from "./wire.ts";

/**
 * What a rule can see of an AnyValue: 64-bit integers above 2^53 as bigint, arrays as arrays, and
 * UNSEEN for what rules cannot compare (an empty value, bytes, a list of key-values). `undefined`
 * is kept for "there is no such attribute".
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

/**
 * Decodes the AnyValue in [start, end): the last member of the oneof counts. A malformed value is
 * UNSEEN.
 */
export function seeValue(bytes: Uint8Array, start: number, end: number): Seen {
  // Nearly all values are one text or one small number, and nothing else: they need no cursor.
  const whole = smallWhole(bytes, start, end);
  if (whole >= 0) return whole;
  const tag = bytes[start];
  if (tag === STRING && end - start - 2 === bytes[start + 1] && end - start < 0x82) {
    return textOf(bytes, start + 2, end);
  }
  return see(bytes, start, end, 0);
}

/**
 * The number in the AnyValue [start, end), where that is one integer from 0 to 2^28 - 1 and nothing
 * else, as nearly all numbers are; -1 for whatever else there is.
 */
export function smallWhole(bytes: Uint8Array, start: number, end: number): number {
  const last = end - 1;
  if (last <= start || last > start + 4 || bytes[start] !== INT || bytes[last]! >= 0x80) return -1;
  let whole = bytes[last]!;
  for (let at = last - 1; at > start; at--) {
    if (bytes[at]! < 0x80) return -1;
    whole = (whole << 7) | (bytes[at]! & 0x7f);
  }
  return whole;
}

/** Only the last member is decoded: there may be as many as bytes allow. */
function see(bytes: Uint8Array, start: number, end: number, depth: number): Seen {
  const c = new Cursor(bytes, start, end);
  let last = 0;
  let from = start;
  let to = start;
  /**
   * An array that occurs twice merges: its elements follow those of the first. Undefined: the array
   * is malformed.
   */
  let elements: Seen[] | undefined;
  while (c.at < end) {
    const tag = readTag(c);
    const at = c.at;
    if (tag === ARRAY) {
      const length = readLength(c);
      if (length < 0) return UNSEEN;
      if (last !== ARRAY || elements === undefined) elements = [];
      if (!seeArray(bytes, c.at, c.at + length, depth + 1, elements)) elements = undefined;
      c.at += length;
    } else if (tag < 0 || !skipValue(c, tag)) {
      return UNSEEN;
    } else if (!isMember(tag)) {
      continue;
    }
    last = tag;
    from = at;
    to = c.at;
  }
  return last === ARRAY ? (elements ?? UNSEEN) : seeScalar(bytes, last, from, to);
}

/** The member whose well-formed value is [start, end), with its length where it has one. */
function seeScalar(bytes: Uint8Array, tag: number, start: number, end: number): Seen {
  const c = new Cursor(bytes, start, end);
  switch (tag) {
    case STRING:
      readLength(c);
      return textOf(bytes, c.at, end);
    case BOOL:
      return readVarint(c) !== 0;
    case INT:
      return int64Of(bytes, start, end);
    case DOUBLE:
      return viewOf(bytes).getFloat64(start, true);
    default:
      return UNSEEN;
  }
}

/** The members of the oneof; other fields, which nobody knows, count for nothing. */
function isMember(tag: number): boolean {
  return tag === STRING || tag === BOOL || tag === INT || tag === DOUBLE || tag === KVLIST || tag === BYTES;
}

/** Adds the elements of an ArrayValue; false when it is malformed, or too deep. */
function seeArray(bytes: Uint8Array, start: number, end: number, depth: number, elements: Seen[]): boolean {
  if (depth > MAX_DEPTH) return false;
  const c = new Cursor(bytes, start, end);
  while (c.at < end) {
    const tag = readTag(c);
    if (tag === ARRAY_VALUES) {
      const length = readLength(c);
      if (length < 0) return false;
      elements.push(see(bytes, c.at, c.at + length, depth));
      c.at += length;
    } else if (tag < 0 || !skipValue(c, tag)) {
      return false;
    }
  }
  return true;
}

/** A varint as a signed 64-bit integer: a number when it is exact as one, a bigint otherwise. */
function int64Of(bytes: Uint8Array, start: number, end: number): number | bigint {
  if (end - start <= 4) {
    let value = 0;
    for (let i = end - 1; i >= start; i--) value = value * 128 + (bytes[i]! & 0x7f);
    return value;
  }
  let low = 0; // 28 bits
  let middle = 0; // 28 bits
  let high = 0; // 8 bits
  for (let i = Math.min(end, start + 10) - 1; i >= start; i--) {
    const bits = bytes[i]! & 0x7f;
    if (i - start < 4) low = low * 128 + bits;
    else if (i - start < 8) middle = middle * 128 + bits;
    else high = (high * 128 + bits) & 0xff;
  }
  // Of a negative one its complement, which is small when it is near zero.
  const negative = high >= 0x80;
  const number = negative
    ? (0xff - high) * 2 ** 56 + (0xfff_ffff - middle) * 2 ** 28 + (0xfff_ffff - low)
    : high * 2 ** 56 + middle * 2 ** 28 + low;
  if (number < Number.MAX_SAFE_INTEGER) return negative ? -number - 1 : number;
  const value = (BigInt(high) << 56n) | (BigInt(middle) << 28n) | BigInt(low);
  const signed = BigInt.asIntN(64, value);
  const exact = Number(signed);
  return Number.isSafeInteger(exact) ? exact : signed;
}

/** The text of UTF-8 bytes in [start, end). */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return viewBuffer(bytes, start, end).toString("utf8");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
