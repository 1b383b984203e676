import { Cursor, fieldOf, MALFORMED, readLength, readTag, skipValue, WIRE, wireOf } from "../otlp/wire.ts";

/** Thrown when bytes are not protobuf. */
export class MalformedProtobuf extends Error {
  override readonly name = "MalformedProtobuf";
}

/**
 * Walks the fields of one protobuf message in place. Opened anew for each message, so that a walk
 * over millions of items allocates nothing: one cursor for each level of nesting.
 */
export class FieldCursor {
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
