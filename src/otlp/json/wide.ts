import { isDigit, type JsonCursor, MINUS, QUOTE } from "./json-cursor.ts";

/** An integer of 64 bits and its sign, in halves: a bigint for each would be an object for each. */
export class Wide {
  negative = false;
  low = 0;
  high = 0;

  /** In two's complement from now on. */
  complement(): void {
    if (!this.negative) return;
    const low = (~this.low + 1) >>> 0;
    this.high = (~this.high + (low === 0 ? 1 : 0)) >>> 0;
    this.low = low;
  }
}

/**
 * Takes an integer in digits, which may stand as a text. False where it is spelled in another way,
 * or its amount is above 2^64 - 1.
 */
export function takeInteger(c: JsonCursor, into: Wide): boolean {
  const { bytes, end } = c;
  const isText = bytes[c.at] === QUOTE;
  let at = isText ? c.at + 1 : c.at;
  into.negative = bytes[at] === MINUS;
  if (into.negative) at++;
  const start = at;
  while (at < end && isDigit(bytes[at]!)) at++;
  const length = at - start;
  if (length === 0 || length > MOST_DIGITS || !digitsOf(bytes, start, at, into)) return false;
  if (isText) {
    if (bytes[at] !== QUOTE) return false;
    c.at = at + 1;
    return true;
  }
  c.at = at;
  return !(length > 1 && bytes[start] === 0x30) && !goesOn(bytes[at]);
}

/** Of 2^64 - 1. */
const MOST_DIGITS = 20;

/** A fraction or an exponent. */
function goesOn(byte: number | undefined): boolean {
  return byte === 0x2e || byte === 0x65 || byte === 0x45;
}

/** The last nine and those before: a double holds each, and all steps that put them together. */
function digitsOf(bytes: Uint8Array, start: number, end: number, into: Wide): boolean {
  const split = Math.max(start, end - 9);
  let last = 0;
  for (let at = split; at < end; at++) last = last * 10 + (bytes[at]! - 0x30);
  into.low = last;
  into.high = 0;
  if (split === start) return true;
  let first = 0;
  for (let at = start; at < split; at++) first = first * 10 + (bytes[at]! - 0x30);
  const firstHigh = Math.floor(first / TWO_20);
  const low = (first - firstHigh * TWO_20) * 1e9 + last;
  const carried = Math.floor(low / TWO_20);
  const middle = firstHigh * 1e9 + carried;
  into.high = Math.floor(middle / TWO_12);
  into.low = (middle - into.high * TWO_12) * TWO_20 + (low - carried * TWO_20);
  return into.high <= 0xffff_ffff;
}

const TWO_12 = 4_096;
const TWO_20 = 1_048_576;
