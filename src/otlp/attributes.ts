import { ANY_VALUE, REQUEST_SHAPES, type Shape } from "./shapes.ts";
import type { Signal } from "./signal.ts";
import { Cursor, MAX_DEPTH, readLength, readTag, skipValue } from "./wire.ts";

/** The shortest attribute: a tag, and a length of 0. */
const SHORTEST_BYTES = 2;
const STRING = 0x0a;

/**
 * An attribute is four fields: itself, key, value, and what is in the value. So many fields cost as
 * much as all attributes.
 */
const FIELDS_EACH = 4;
/**
 * Items have other fields, too, however few attributes they may have: so many take 0.2 s to walk.
 */
const FEWEST_FIELDS = 16_000_000;

/**
 * Whether a request holds more than `max` attributes, or what counts as such (shapes.ts). Only a
 * request with two bytes for each can, so that with the limits' defaults nothing below 8 MB is
 * looked at. Fields that are no attributes count, too, a quarter of one. What is malformed is
 * counted up to there.
 */
export function hasMoreAttributes(signal: Signal, bytes: Uint8Array, max: number): boolean {
  if (bytes.length <= max * SHORTEST_BYTES) return false;
  const count = new Count(max);
  count.walk(REQUEST_SHAPES[signal], new Cursor(bytes, 0, bytes.length), bytes.length, 0);
  return count.left < 0 || count.fields < 0;
}

class Count {
  left: number;
  fields: number;

  constructor(max: number) {
    this.left = max;
    this.fields = Math.max(max * FIELDS_EACH, FEWEST_FIELDS);
  }

  /** Walks a message in place, as check.ts does. False: malformed, or there are too many. */
  walk(of: Shape, c: Cursor, end: number, depth: number): boolean {
    if (depth > MAX_DEPTH) return false;
    const outerEnd = c.end;
    c.end = end;
    while (c.at < end) {
      const tag = readTag(c);
      if (tag < 0 || --this.fields < 0) return false;
      const number = tag >>> 3;
      const field = (tag & 7) === 2 ? of.fields[number] : undefined;
      if (typeof field !== "object") {
        if (!skipValue(c, tag, depth)) return false;
        continue;
      }
      const length = readLength(c);
      if (length < 0 || (of.counts[number]! && --this.left < 0)) return false;
      // Nearly all values are a short text, and nothing else.
      if (field === ANY_VALUE && c.bytes[c.at] === STRING && c.bytes[c.at + 1] === length - 2 && length < 0x80) {
        c.at += length;
      } else if (!this.walk(field, c, c.at + length, depth + 1)) {
        return false;
      }
    }
    c.end = outerEnd;
    return true;
  }
}
