import { KeyValueReader } from "./key-value.ts";
import { bytesEqual } from "./key-set.ts";
import { isMetricData } from "./scan.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const DATA_POINT = 0x0a;
/** Tag of `attributes` in the data points of gauge 5 and sum 7 (7), histogram 9 (9), exponential histogram 10 (1), summary 11 (7). */
const ATTRIBUTES: Readonly<Record<number, number>> = { 0x2a: 0x3a, 0x3a: 0x3a, 0x4a: 0x4a, 0x52: 0x0a, 0x5a: 0x3a };

const pair = new KeyValueReader();

/**
 * Whether a data point of the Metric in [start, end) has an attribute `key` whose value passes. Of a oneof the last kind
 * counts: earlier kinds are passed over. Malformed parts do not match.
 */
export function anyDataPointAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  passes: (bytes: Uint8Array, start: number, end: number) => boolean,
): boolean {
  const { kind, from } = lastKind(bytes, start, end);
  const c = new Cursor(bytes, from, end);
  while (c.at < end) {
    const tag = readTag(c);
    if (tag !== kind) {
      if (tag < 0 || !skipValue(c, tag)) return false;
      continue;
    }
    const length = readLength(c);
    if (length < 0) return false;
    if (anyPoint(bytes, c.at, c.at + length, ATTRIBUTES[kind]!, key, passes)) return true;
    c.at += length;
  }
  return false;
}

/** The kind of data that counts, and from where on: the same kind before another one was replaced. */
function lastKind(bytes: Uint8Array, start: number, end: number): { readonly kind: number; readonly from: number } {
  const c = new Cursor(bytes, start, end);
  let kind = 0;
  let from = start;
  while (c.at < end) {
    const at = c.at;
    const tag = readTag(c);
    if (tag < 0 || !skipValue(c, tag)) break;
    if (!isMetricData(tag) || tag === kind) continue;
    kind = tag;
    from = at;
  }
  return { kind, from };
}

type Passes = (bytes: Uint8Array, start: number, end: number) => boolean;

function anyPoint(
  bytes: Uint8Array,
  from: number,
  to: number,
  tagOf: number,
  key: Uint8Array,
  passes: Passes,
): boolean {
  const c = new Cursor(bytes, from, to);
  while (c.at < to) {
    const tag = readTag(c);
    if (tag !== DATA_POINT) {
      if (tag < 0 || !skipValue(c, tag)) return false;
      continue;
    }
    const length = readLength(c);
    if (length < 0) return false;
    if (pointHas(bytes, c.at, c.at + length, tagOf, key, passes)) return true;
    c.at += length;
  }
  return false;
}

function pointHas(
  bytes: Uint8Array,
  from: number,
  to: number,
  tagOf: number,
  key: Uint8Array,
  passes: Passes,
): boolean {
  const c = new Cursor(bytes, from, to);
  while (c.at < to) {
    const tag = readTag(c);
    if (tag !== tagOf) {
      if (tag < 0 || !skipValue(c, tag)) return false;
      continue;
    }
    const length = readLength(c);
    if (length < 0 || !pair.read(bytes, c.at, c.at + length)) return false;
    if (bytesEqual(bytes, pair.keyStart, pair.keyEnd, key)) return passes(pair.bytes, pair.valueStart, pair.valueEnd);
    c.at += length;
  }
  return false;
}
