import type { Signal } from "../otlp/signal.ts";
import { FieldCursor } from "./field-cursor.ts";
import { numberAt, NUMBER_BYTES, SEQUENCE_KEY, sourceAt } from "./running-number.ts";
import type { Tally } from "./tally.ts";

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
  visitItems(bytes, () => items++);
  return items;
}

/** Counts the items and notes the running numbers of the generated ones. Throws MalformedProtobuf. */
export function tallyItems(signal: Signal, bytes: Uint8Array, tally: Tally): number {
  let items = 0;
  visitItems(bytes, (start, end) => {
    items++;
    if (signal === "metrics") tallyMetric(bytes, start, end, tally);
    else tallyItem(signal, bytes, start, end, tally);
  });
  return items;
}

/** Visits the range of every item, in order, without tag and length. */
function visitItems(bytes: Uint8Array, visit: (start: number, end: number) => void): void {
  request.open(bytes, 0, bytes.length);
  while (request.next()) {
    if (request.field !== 1 || request.wire !== 2) continue;
    resource.open(bytes, request.start, request.end);
    while (resource.next()) {
      if (resource.field !== 2 || resource.wire !== 2) continue;
      scope.open(bytes, resource.start, resource.end);
      while (scope.next()) if (scope.field === 2 && scope.wire === 2) visit(scope.start, scope.end);
    }
  }
}

function tallyItem(signal: "traces" | "logs", bytes: Uint8Array, start: number, end: number, tally: Tally): void {
  const wanted = signal === "traces" ? 2 : 10;
  item.open(bytes, start, end);
  while (item.next()) {
    if (item.field === wanted && item.end - item.start === NUMBER_BYTES) return note(bytes, item.start, tally);
  }
}

function tallyMetric(bytes: Uint8Array, start: number, end: number, tally: Tally): void {
  const at = sequenceTextAt(bytes, start, end);
  if (at === undefined) return;
  const text = String.fromCharCode(...bytes.subarray(at, at + 2 * NUMBER_BYTES));
  if (!/^[0-9a-f]{16}$/u.test(text)) return;
  for (let i = 0; i < NUMBER_BYTES; i++) fromHex[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  note(fromHex, 0, tally);
}

function note(bytes: Uint8Array, at: number, tally: Tally): void {
  const source = sourceAt(bytes, at);
  if (source !== 0) tally.add(source, numberAt(bytes, at));
}

/** Where the first data point of a metric has the text of its sequence attribute; undefined when it has none. */
function sequenceTextAt(bytes: Uint8Array, start: number, end: number): number | undefined {
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
