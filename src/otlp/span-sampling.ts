import { Cursor, readLength, readTag, skipValue } from "./wire.ts";

const TRACE_ID = 0x0a;
const SPAN_ID = 0x12;
const TRACE_STATE = 0x1a;
const PARENT = 0x22;
const ATTRIBUTE = 0x4a;
const [TRACE_ID_BYTES, SPAN_ID_BYTES] = [16, 8] as const;
/** The fields of a span's own ids and its parent's. */
const IDS_BYTES = 3 * 2 + TRACE_ID_BYTES + 2 * SPAN_ID_BYTES;
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
   * Reads the span in [start, end). False when it is malformed. Measured for spans of 376 bytes
   * with 8 attributes, alone: 56 ns a span with one loop for all fields, 32 ns so.
   */
  read(bytes: Uint8Array, start: number, end: number): boolean {
    this.traceStart = this.traceEnd = this.stateStart = this.stateEnd = start;
    this.hasParent = false;
    let at = end - start < IDS_BYTES ? start : this.#ids(bytes, start);
    while (at < end) {
      at = afterPlain(bytes, at, end);
      if (at >= end) break;
      at = this.#field(bytes, at, end);
      if (at < 0) return false;
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

  /** The place after the ids that a span begins with, as encoders write them. */
  #ids(bytes: Uint8Array, start: number): number {
    let at = start;
    if (bytes[at] === TRACE_ID && bytes[at + 1] === TRACE_ID_BYTES) {
      this.traceStart = at + 2;
      this.traceEnd = at += 2 + TRACE_ID_BYTES;
    }
    if (bytes[at] === SPAN_ID && bytes[at + 1] === SPAN_ID_BYTES) at += 2 + SPAN_ID_BYTES;
    if (bytes[at] !== PARENT || bytes[at + 1] !== SPAN_ID_BYTES) return at;
    this.hasParent = true;
    return at + 2 + SPAN_ID_BYTES;
  }

  /** Reads the field at `at` whatever its form, and returns the place after it, or -1. */
  #field(bytes: Uint8Array, at: number, end: number): number {
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

/**
 * The place of the first field from `at` on that sampling reads, or whose tag or length has more
 * than one byte: nearly always the span's end. No calls, so that V8 keeps what it knows of `bytes`;
 * attributes, half of all fields, first.
 */
function afterPlain(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const tag = bytes[at]!;
    const length = bytes[at + 1]!;
    if (tag === ATTRIBUTE) {
      if (length >= 0x80) return at;
      at += 2 + length;
      continue;
    }
    if (tag <= PARENT || tag >= 0x80) {
      if (tag !== FLAGS_LOW || length !== FLAGS_HIGH) return at;
      at += 6;
      continue;
    }
    const wire = tag & 7;
    if (wire === 1) at += 9;
    else if (length >= 0x80 || (wire !== 2 && wire !== 0)) return at;
    else at += wire === 2 ? 2 + length : 2;
  }
  return at;
}
