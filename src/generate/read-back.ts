import type { Signal } from "../otlp/signal.ts";
import { FieldCursor } from "./field-cursor.ts";
import { numberAt, NUMBER_BYTES, SEQUENCE_KEY, sourceAt } from "./running-number.ts";
import type { RunningNumber } from "./running-number.ts";
import type { Tally } from "./tally.ts";

/** Called for each item with the range of its bytes, without tag and length. */
export type VisitItem = (bytes: Uint8Array, start: number, end: number) => void;

const request = new FieldCursor();
const resource = new FieldCursor();
const scope = new FieldCursor();
const item = new FieldCursor();
const data = new FieldCursor();
const point = new FieldCursor();
const attribute = new FieldCursor();
const value = new FieldCursor();

const SEQUENCE_BYTES = new TextEncoder().encode(SEQUENCE_KEY);
const fromHex = new Uint8Array(NUMBER_BYTES);

/** Spans, metrics or log records of an Export request, counted by walking lengths. Throws MalformedProtobuf. */
export function countItems(bytes: Uint8Array): number {
  let items = 0;
  request.open(bytes, 0, bytes.length);
  while (request.next()) {
    if (request.field !== 1 || request.wire !== 2) continue;
    resource.open(bytes, request.start, request.end);
    while (resource.next()) {
      if (resource.field !== 2 || resource.wire !== 2) continue;
      scope.open(bytes, resource.start, resource.end);
      while (scope.next()) if (scope.field === 2 && scope.wire === 2) items++;
    }
  }
  return items;
}

/** Visits every item of an Export request, in order. Throws MalformedProtobuf. */
export function visitItems(bytes: Uint8Array, visit: VisitItem): void {
  request.open(bytes, 0, bytes.length);
  while (request.next()) {
    if (request.field !== 1 || request.wire !== 2) continue;
    resource.open(bytes, request.start, request.end);
    while (resource.next()) {
      if (resource.field !== 2 || resource.wire !== 2) continue;
      scope.open(bytes, resource.start, resource.end);
      while (scope.next()) if (scope.field === 2 && scope.wire === 2) visit(bytes, scope.start, scope.end);
    }
  }
}

/** Counts the items and notes the running numbers of the generated ones. Throws MalformedProtobuf. */
export function tallyItems(signal: Signal, bytes: Uint8Array, tally: Tally): number {
  let items = 0;
  visitItems(bytes, (all, start, end) => {
    items++;
    const at = runningNumberAt(signal, all, start, end);
    if (at === undefined) return;
    const source = sourceAt(at.bytes, at.at);
    if (source !== 0) tally.add(source, numberAt(at.bytes, at.at));
  });
  return items;
}

/** The running numbers of all generated items of a request, in order; items of other senders are left out. */
export function runningNumbersOf(signal: Signal, bytes: Uint8Array): RunningNumber[] {
  const numbers: RunningNumber[] = [];
  visitItems(bytes, (all, start, end) => {
    const at = runningNumberAt(signal, all, start, end);
    if (at === undefined) return;
    const source = sourceAt(at.bytes, at.at);
    if (source !== 0) numbers.push({ source, number: numberAt(at.bytes, at.at) });
  });
  return numbers;
}

/** Where the first data point of a metric has the text of its sequence attribute; undefined when it has none. */
export function sequenceTextAt(bytes: Uint8Array, start: number, end: number): number | undefined {
  item.open(bytes, start, end);
  while (item.next()) {
    const attributes = ATTRIBUTES_OF_POINT[item.field];
    if (item.wire !== 2 || attributes === undefined) continue;
    data.open(bytes, item.start, item.end);
    while (data.next()) {
      if (data.field !== 1 || data.wire !== 2) continue;
      const at = sequenceOfPoint(bytes, data.start, data.end, attributes);
      if (at !== undefined) return at;
    }
  }
  return undefined;
}

// A place is reused for every item: this runs a million times a second in the sink of the benchmark.
const place: { bytes: Uint8Array; at: number } = { bytes: fromHex, at: 0 };

function runningNumberAt(signal: Signal, bytes: Uint8Array, start: number, end: number): typeof place | undefined {
  if (signal === "metrics") return runningNumberOfMetric(bytes, start, end);
  const wanted = signal === "traces" ? 2 : 10;
  item.open(bytes, start, end);
  while (item.next()) {
    if (item.field !== wanted || item.end - item.start !== NUMBER_BYTES) continue;
    place.bytes = bytes;
    place.at = item.start;
    return place;
  }
  return undefined;
}

function runningNumberOfMetric(bytes: Uint8Array, start: number, end: number): typeof place | undefined {
  const at = sequenceTextAt(bytes, start, end);
  if (at === undefined) return undefined;
  const text = String.fromCharCode(...bytes.subarray(at, at + 2 * NUMBER_BYTES));
  if (!/^[0-9a-f]{16}$/u.test(text)) return undefined;
  for (let i = 0; i < NUMBER_BYTES; i++) fromHex[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  place.bytes = fromHex;
  place.at = 0;
  return place;
}

/** Field of a point's attributes, by the metric's data field; what stands under other numbers is opaque. */
const ATTRIBUTES_OF_POINT: Readonly<Record<number, number>> = { 5: 7, 7: 7, 9: 9, 10: 1, 11: 7 };

function sequenceOfPoint(bytes: Uint8Array, start: number, end: number, attributes: number): number | undefined {
  point.open(bytes, start, end);
  while (point.next()) {
    if (point.wire !== 2 || point.field !== attributes) continue;
    const at = sequenceOfAttribute(bytes, point.start, point.end);
    if (at !== undefined) return at;
  }
  return undefined;
}

function sequenceOfAttribute(bytes: Uint8Array, start: number, end: number): number | undefined {
  let isSequence = false;
  attribute.open(bytes, start, end);
  while (attribute.next()) {
    if (attribute.field === 1) isSequence = sameBytes(bytes, attribute.start, attribute.end, SEQUENCE_BYTES);
    if (attribute.field !== 2 || attribute.wire !== 2 || !isSequence) continue;
    value.open(bytes, attribute.start, attribute.end);
    while (value.next()) if (value.field === 1 && value.end - value.start === 2 * NUMBER_BYTES) return value.start;
  }
  return undefined;
}

function sameBytes(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}
