import { allocOwned } from "../core/bytes.ts";
import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const NOTHING = new Uint8Array(0);
const KEY = 0x0a;
const VALUE = 0x12;

/**
 * Reads the ranges of one KeyValue. One instance is reused; `read` is false for a malformed
 * message. A `value` that occurs twice merges: protobuf merges messages as if their bytes stood one
 * after the other, so those are joined.
 */
export class KeyValueReader {
  keyStart = 0;
  keyEnd = 0;
  /**
   * The bytes that valueStart and valueEnd belong to: those that were read, unless the value had to
   * be joined.
   */
  bytes: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;
  readonly #cursor = new Cursor(NOTHING, 0, 0);

  /** Lets go of the bytes that were read last. */
  release(): void {
    this.bytes = NOTHING;
    this.#cursor.reset(NOTHING, 0, 0);
  }

  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = start;
    const c = this.#cursor;
    c.reset(bytes, start, end);
    let values = 0;
    let valueBytes = 0;
    while (c.at < end) {
      const tag = readTag(c);
      if (tag !== KEY && tag !== VALUE) {
        if (tag < 0 || !skipValue(c, tag)) return false;
        continue;
      }
      const length = readLength(c);
      if (length < 0) return false;
      if (tag === KEY) {
        this.keyStart = c.at;
        this.keyEnd = c.at + length;
      } else {
        values++;
        valueBytes += length;
        this.valueStart = c.at;
        this.valueEnd = c.at + length;
      }
      c.at += length;
    }
    if (values > 1) this.#join(start, end, valueBytes);
    return true;
  }

  /** In a second walk, so that a value in a thousand pieces is copied once. */
  #join(start: number, end: number, valueBytes: number): void {
    const { bytes } = this;
    this.bytes = joinFields(bytes, start, end, VALUE, valueBytes);
    this.valueStart = 0;
    this.valueEnd = valueBytes;
  }
}

/** Up to here a loop is faster than a view and a call. */
const SHORT_BYTES = 64;

/**
 * The bodies of all LEN fields with this tag in a well-formed message, one after the other, which
 * are `length` bytes. Owned.
 */
export function joinFields(bytes: Uint8Array, start: number, end: number, wanted: number, length: number): Uint8Array {
  const joined = allocOwned(length);
  let to = 0;
  const c = new Cursor(bytes, start, end);
  while (c.at < end) {
    const tag = readTag(c);
    if (tag !== wanted) {
      skipValue(c, tag);
      continue;
    }
    const body = readLength(c);
    if (body > SHORT_BYTES) joined.set(bytes.subarray(c.at, c.at + body), to);
    else for (let i = 0; i < body; i++) joined[to + i] = bytes[c.at + i]!;
    to += body;
    c.at += body;
  }
  return joined;
}
