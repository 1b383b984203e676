import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const TRACE_ID = 0x0a;
const TRACE_STATE = 0x1a;
const PARENT = 0x22;
const NOTHING = new Uint8Array(0);

/**
 * What sampling reads of a span, as ranges of its bytes: nothing of it is decoded. One instance is
 * used for all spans. As in protobuf, the last occurrence of a field counts.
 */
export class SpanSampling {
  traceStart = 0;
  traceEnd = 0;
  stateStart = 0;
  stateEnd = 0;
  /** It begins no trace. */
  hasParent = false;
  readonly #cursor = new Cursor(NOTHING, 0, 0);

  /**
   * Reads the span in [start, end). False when it is malformed. Tags and lengths of one byte, which
   * is nearly all of a span, are read in place.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.traceStart = this.traceEnd = this.stateStart = this.stateEnd = start;
    this.hasParent = false;
    let at = start;
    while (at < end) {
      const tag = bytes[at]!;
      const length = bytes[at + 1]!;
      if ((tag & 7) === 1 && tag >= 8 && tag < 0x80) {
        at += 9;
        continue;
      }
      if ((tag & 7) !== 2 || tag < 8 || tag >= 0x80 || length >= 0x80) {
        at = this.#slowField(bytes, at, end);
        if (at < 0) return false;
        continue;
      }
      const from = at + 2;
      at = from + length;
      if (tag === TRACE_ID) {
        this.traceStart = from;
        this.traceEnd = at;
      } else if (tag === TRACE_STATE) {
        this.stateStart = from;
        this.stateEnd = at;
      } else if (tag === PARENT) this.hasParent = length > 0;
    }
    return at === end;
  }

  release(): void {
    this.#cursor.reset(NOTHING, 0, 0);
  }

  /** Reads the field at `at` whatever its form, and returns the place after it, or -1. */
  #slowField(bytes: Uint8Array, at: number, end: number): number {
    const c = this.#cursor;
    c.reset(bytes, at, end);
    const tag = readTag(c);
    if (tag < 0) return -1;
    if (tag !== TRACE_ID && tag !== TRACE_STATE && tag !== PARENT) return skipValue(c, tag) ? c.at : -1;
    const length = readLength(c);
    if (length < 0) return -1;
    if (tag === PARENT) this.hasParent = length > 0;
    else if (tag === TRACE_ID) {
      this.traceStart = c.at;
      this.traceEnd = c.at + length;
    } else {
      this.stateStart = c.at;
      this.stateEnd = c.at + length;
    }
    return c.at + length;
  }
}
