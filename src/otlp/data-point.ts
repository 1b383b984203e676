import { KeyValueReader } from "./key-value.ts";
import { bytesEqual } from "./key-set.ts";
import { isMetricData } from "./scan.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

/** Tag of `data_points` in all kinds of data. */
export const DATA_POINT = 0x0a;
/**
 * Tag of `attributes` in the data points of gauge 5 and sum 7 (7), histogram 9 (9), exponential
 * histogram 10 (1), summary 11 (7).
 */
const ATTRIBUTES: Readonly<Record<number, number>> = { 0x2a: 0x3a, 0x3a: 0x3a, 0x4a: 0x4a, 0x52: 0x0a, 0x5a: 0x3a };

const pair = new KeyValueReader();

/**
 * Whether a data point of the Metric in [start, end) has an attribute `key` whose value passes. Of
 * a oneof the last kind counts: earlier kinds are passed over. Malformed parts do not match.
 */
export function anyDataPointAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: Uint8Array,
  passes: Passes,
): boolean {
  const { kind, from } = lastKind(bytes, start, end);
  const attributes = ATTRIBUTES[kind];
  if (attributes === undefined) return false;
  let found = false; // of a key that occurs twice in a point the first counts
  const isIt: Passes = (_, at, to) => {
    if (found || !pair.read(bytes, at, to) || !bytesEqual(bytes, pair.keyStart, pair.keyEnd, key)) return false;
    found = true;
    return passes(pair.bytes, pair.valueStart, pair.valueEnd);
  };
  const inPoint: Passes = (_, at, to) => {
    found = false;
    return anyField(bytes, at, to, attributes, isIt);
  };
  const inData: Passes = (_, at, to) => anyField(bytes, at, to, DATA_POINT, inPoint);
  return anyField(bytes, from, end, kind, inData);
}

/**
 * The kind of data that counts, and from where on: the same kind before another one was replaced.
 */
export function lastKind(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly kind: number; readonly from: number } {
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

/** Whether one of the LEN fields with this tag passes, in the message [from, to). */
function anyField(bytes: Uint8Array, from: number, to: number, wanted: number, passes: Passes): boolean {
  const c = new Cursor(bytes, from, to);
  while (c.at < to) {
    const tag = readTag(c);
    if (tag !== wanted) {
      if (tag < 0 || !skipValue(c, tag)) return false;
      continue;
    }
    const length = readLength(c);
    if (length < 0) return false;
    if (passes(bytes, c.at, c.at + length)) return true;
    c.at += length;
  }
  return false;
}
