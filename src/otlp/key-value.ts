import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const KEY = 0x0a;
const VALUE = 0x12;

/**
 * Reads the ranges of one KeyValue. One instance is reused; `read` is false for a malformed message. A `value` that
 * occurs twice merges: protobuf merges messages as if their bytes stood one after the other, so those are joined.
 */
export class KeyValueReader {
  keyStart = 0;
  keyEnd = 0;
  /** The bytes that valueStart and valueEnd belong to: those that were read, unless the value had to be joined. */
  bytes: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueEnd = 0;
  readonly #cursor = new Cursor(new Uint8Array(0), 0, 0);

  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.keyStart = this.keyEnd = this.valueStart = this.valueEnd = start;
    const c = this.#cursor;
    c.reset(bytes, start, end);
    let values = 0;
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
      } else if (values++ === 0) {
        this.valueStart = c.at;
        this.valueEnd = c.at + length;
      } else {
        this.#join(bytes, c.at, c.at + length);
      }
      c.at += length;
    }
    return true;
  }

  #join(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = Buffer.concat([this.bytes.subarray(this.valueStart, this.valueEnd), bytes.subarray(start, end)]);
    this.valueStart = 0;
    this.valueEnd = this.bytes.length;
  }
}
