import type { Signal } from "../otlp/signal.ts";
import { NUMBER_BYTES, numberAt, SEQUENCE_KEY, sourceAt } from "./running-number.ts";
import type { Tally } from "./tally.ts";
import { Cursor, fieldOf, MALFORMED, readLength, readTag, skipValue, WIRE, wireOf } from "../otlp/wire.ts";

/** Thrown when bytes are not protobuf. */
class MalformedProtobuf extends Error {
  override readonly name = "MalformedProtobuf";
}

/**
 * Walks the fields of one protobuf message in place. Opened anew for each message, so that a walk
 * over millions of items allocates nothing: one cursor for each level of nesting.
 */
class FieldCursor {
  /** Number and wire type of the field that `next` stopped at. */
  field = 0;
  wire = 0;
  /**
   * Where its payload begins and ends; for LEN fields without the length prefix, for groups with
   * the end tag.
   */
  start = 0;
  end = 0;
  readonly #at = new Cursor(new Uint8Array(0), 0, 0);

  open(bytes: Uint8Array, start: number, end: number): void {
    this.#at.reset(bytes, start, end);
  }

  /** Steps to the next field; false at the end of the message. */
  next(): boolean {
    const cursor = this.#at;
    if (cursor.at >= cursor.end) return false;
    const tag = readTag(cursor);
    this.field = fieldOf(tag);
    this.wire = wireOf(tag);
    this.start = cursor.at;
    if (tag !== MALFORMED && this.wire === WIRE.LEN) {
      const length = readLength(cursor);
      this.start = cursor.at;
      this.end = this.start + length;
      cursor.at = this.end;
      if (length !== MALFORMED) return true;
    } else if (tag !== MALFORMED && skipValue(cursor, tag)) {
      this.end = cursor.at;
      return true;
    }
    throw new MalformedProtobuf(`field ${this.field} at byte ${this.start}`);
  }
}

const request = new FieldCursor();
const resource = new FieldCursor();
const scope = new FieldCursor();
const item = new FieldCursor();

/**
 * Counts the items and notes the running numbers of the generated ones. Throws MalformedProtobuf.
 */
export function tallyItems(signal: Signal, bytes: Uint8Array, tally: Tally): number {
  let items = 0;
  visitItems(bytes, (start, end) => {
    items++;
    if (signal === "metrics") tallyMetric(bytes, start, end, tally);
    else tallyItem(signal, bytes, start, end, tally);
  });
  return items;
}

/**
 * Visits the range of every item, in order, without tag and length, and does not look into it.
 * Throws MalformedProtobuf.
 */
export function visitItems(bytes: Uint8Array, visit: (start: number, end: number) => void): void {
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
  const metric = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
  const at = metric.indexOf(SEQUENCE_ATTRIBUTE) + SEQUENCE_ATTRIBUTE.length;
  const text = metric.toString("latin1", at, at + 2 * NUMBER_BYTES);
  if (at < SEQUENCE_ATTRIBUTE.length || !/^[0-9a-f]{16}$/u.test(text)) return;
  note(Buffer.from(text, "hex"), 0, tally);
}

/**
 * A KeyValue up to the text in its value: as the generator writes it, and what passes it on leaves
 * it.
 */
const SEQUENCE_ATTRIBUTE = Buffer.from(`\n\x08${SEQUENCE_KEY}\x12\x12\n\x10`);

function note(bytes: Uint8Array, at: number, tally: Tally): void {
  const source = sourceAt(bytes, at);
  if (source !== 0) tally.add(source, numberAt(bytes, at));
}
