import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const TRACE_ID = 0x0a;
const TRACE_STATE = 0x1a;
const PARENT = 0x22;
/** The two bytes of the tag of `flags`: field 16, four bytes. */
const [FLAGS_LOW, FLAGS_HIGH] = [0x85, 0x01] as const;
const NOTHING = new Uint8Array(0);

/** What sampling reads of a span, as ranges of its bytes. */
export interface SampledSpan {
  readonly traceStart: number;
  readonly traceEnd: number;
  readonly stateStart: number;
  readonly stateEnd: number;
  /** It begins no trace. */
  readonly hasParent: boolean;
}

/**
 * Reads what sampling asks of a span: nothing of it is decoded. One instance is used for all spans.
 * As in protobuf, the last occurrence of a field counts: a span is read to its end, because a
 * tracestate may have been appended to it, as this router does.
 */
export class SpanSampling implements SampledSpan {
  traceStart = 0;
  traceEnd = 0;
  stateStart = 0;
  stateEnd = 0;
  hasParent = false;
  readonly #cursor = new Cursor(NOTHING, 0, 0);

  /**
   * Reads the span in [start, end). False when it is malformed. Tags and lengths of one byte, which
   * is nearly all of a span, are read in place, whatever their wire type. Measured on a busy
   * machine, all of stage sample with a tenth kept: 263 ns a span with numbers and `flags` by the
   * cursor and the items indexed twice, 219 ns so; with the state read only where there is one.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.traceStart = this.traceEnd = this.stateStart = this.stateEnd = start;
    this.hasParent = false;
    let at = start;
    while (at < end) {
      const tag = bytes[at]!;
      const length = bytes[at + 1]!;
      const wire = tag < 0x80 ? tag & 7 : -1;
      if (wire === 2 && length < 0x80) {
        const from = at + 2;
        at = from + length;
        if (tag > PARENT) continue;
        if (tag === TRACE_ID) {
          this.traceStart = from;
          this.traceEnd = at;
        } else if (tag === TRACE_STATE) {
          this.stateStart = from;
          this.stateEnd = at;
        } else if (tag === PARENT) this.hasParent = length > 0;
        else if (tag < 8) return false;
      } else if (wire === 1 && tag >= 8) at += 9;
      else if (wire === 0 && tag >= 8 && length < 0x80) at += 2;
      else if (tag === FLAGS_LOW && length === FLAGS_HIGH) at += 6;
      else {
        at = this.#slowField(bytes, at, end);
        if (at < 0) return false;
      }
    }
    return at === end;
  }

  /** What somebody else has read. */
  take({ traceStart, traceEnd, stateStart, stateEnd, hasParent }: SampledSpan): void {
    this.traceStart = traceStart;
    this.traceEnd = traceEnd;
    this.stateStart = stateStart;
    this.stateEnd = stateEnd;
    this.hasParent = hasParent;
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
