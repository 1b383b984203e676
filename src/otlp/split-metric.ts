import { DATA_POINT, lastKind } from "./data-point.ts";
import { isMetricData } from "./scan.ts";
import { Cursor, readLength, readTag, skipValue, varintBytes, writeVarint } from "./wire.ts";

/** A Metric of its own with some of the data points of another. The pieces are views. */
interface MetricPart {
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  readonly points: number;
}

/**
 * Cuts the Metric in [start, end) by its data points: name, description, unit, metadata,
 * temporality, monotonicity and unknown fields go along with every part. A part has at least one
 * point, and no more than `room` bytes where that is possible. Undefined when it has fewer than two
 * points. Of a well-formed Metric.
 */
export function splitMetric(bytes: Uint8Array, start: number, end: number, room: number): MetricPart[] | undefined {
  const fields = fieldsOf(bytes, start, end);
  const { points } = fields;
  const count = points.length / 2;
  if (count < 2) return undefined;
  const around = end - start - sumOf(points);
  const least = leastPayload(end - start, around);
  const parts: MetricPart[] = [];
  for (let i = 0; i < count; ) {
    const first = i;
    let payload = 0;
    while (i < count) {
      const point = points[2 * i + 1]! - points[2 * i]!;
      const enough = i > first && Math.max(payload, point) >= least;
      if (enough && around + payload + point > room) break;
      payload += point;
      i++;
    }
    parts.push(partOf(bytes, fields, first, i));
  }
  return parts;
}

/**
 * So much of its own each part of a message has to have, or the one after it, when `around` bytes
 * are repeated in every part: all parts together are then not much larger than three times the
 * whole, whatever the limits.
 */
export function leastPayload(whole: number, around: number): number {
  const parts = Math.floor(Math.max(whole, REPEATED_BYTES) / Math.max(1, around)) + 1;
  return Math.floor((whole - around) / parts);
}

/** So much may be repeated, however small the whole is. */
const REPEATED_BYTES = 1_048_576;

/** Ranges of the Metric, as pairs of start and end. */
interface MetricFields {
  /** Tag of the data field. */
  readonly kind: number;
  /** All that is not data. */
  readonly beside: number[];
  /** What is in the data and is no point. */
  readonly data: number[];
  readonly points: number[];
}

function fieldsOf(bytes: Uint8Array, start: number, end: number): MetricFields {
  // Data of another kind that came before is replaced by it, as every decoder has it.
  const { kind, from } = lastKind(bytes, start, end);
  const fields: MetricFields = { kind, beside: [], data: [], points: [] };
  const c = new Cursor(bytes, start, end);
  while (c.at < end) {
    const at = c.at;
    const tag = readTag(c);
    if (!isMetricData(tag)) {
      skipValue(c, tag);
      fields.beside.push(at, c.at);
      continue;
    }
    const length = readLength(c);
    if (at >= from) pointsIn(bytes, c.at, c.at + length, fields);
    c.at += length;
  }
  return fields;
}

function pointsIn(bytes: Uint8Array, start: number, end: number, into: MetricFields): void {
  const c = new Cursor(bytes, start, end);
  while (c.at < end) {
    const at = c.at;
    const tag = readTag(c);
    skipValue(c, tag);
    (tag === DATA_POINT ? into.points : into.data).push(at, c.at);
  }
}

function partOf(bytes: Uint8Array, fields: MetricFields, first: number, after: number): MetricPart {
  const points = fields.points.slice(2 * first, 2 * after);
  const body = sumOf(fields.data) + sumOf(points);
  const header = headerOf(fields.kind, body);
  const pieces = [...views(bytes, fields.beside), header, ...views(bytes, fields.data), ...views(bytes, points)];
  return { pieces, bytes: sumOf(fields.beside) + header.length + body, points: after - first };
}

/** Tag and length of a field. */
export function headerOf(tag: number, length: number): Uint8Array {
  const header = new Uint8Array(1 + varintBytes(length));
  header[0] = tag;
  writeVarint(header, 1, length);
  return header;
}

/** Ranges that touch are one. */
function views(bytes: Uint8Array, ranges: readonly number[]): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let i = 0; i < ranges.length; ) {
    const from = ranges[i]!;
    let to = ranges[i + 1]!;
    for (i += 2; i < ranges.length && ranges[i] === to; i += 2) to = ranges[i + 1]!;
    all.push(bytes.subarray(from, to));
  }
  return all;
}

function sumOf(ranges: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < ranges.length; i += 2) sum += ranges[i + 1]! - ranges[i]!;
  return sum;
}
