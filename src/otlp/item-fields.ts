import { KeyValueReader } from "./key-value.ts";
import type { KeySet } from "./key-set.ts";
import type { Signal } from "./signal.ts";
import type { SampledSpan } from "./span-sampling.ts";
import { Cursor, int32Of, readLength, readTag, readVarint, skipValue } from "./wire.ts";

/**
 * What to do with a field, by its tag, which is below 128 for all fields that rules read. 0:
 * nothing.
 */
const NAME = 1;
const TRACE_ID = 2;
const ATTRIBUTE = 3;
const STATUS = 4;
const KIND = 5;
const SEVERITY = 6;
const TRACE_STATE = 7;
const PARENT = 8;

const SPAN_ACTIONS = {
  0x0a: TRACE_ID,
  0x1a: TRACE_STATE,
  0x22: PARENT,
  0x2a: NAME,
  0x30: KIND,
  0x4a: ATTRIBUTE,
  0x7a: STATUS,
};

const ACTIONS: Readonly<Record<Signal, Uint8Array>> = {
  traces: actions(SPAN_ACTIONS),
  metrics: actions({ 0x0a: NAME }),
  logs: actions({ 0x10: SEVERITY, 0x32: ATTRIBUTE, 0x4a: TRACE_ID }),
};

function actions(byTag: Readonly<Record<number, number>>): Uint8Array {
  const table = new Uint8Array(128);
  for (const [tag, action] of Object.entries(byTag)) table[Number(tag)] = action;
  return table;
}

/** The tag of an item's attributes; -1: rules read none of it. */
const ATTRIBUTES: Readonly<Record<Signal, number>> = { traces: 0x4a, metrics: -1, logs: 0x32 };

const NOTHING = new Uint8Array(0);
/** The two bytes of the tag of a span's `flags`: field 16, four bytes. */
const [FLAGS_LOW, FLAGS_HIGH] = [0x85, 0x01] as const;
const [TRACE_ID_TAG, SPAN_ID_TAG, PARENT_TAG, NAME_TAG] = [0x0a, 0x12, 0x22, 0x2a] as const;
const [KIND_TAG, START_TIME_TAG, END_TIME_TAG] = [0x30, 0x39, 0x41] as const;
const [TRACE_ID_BYTES, SPAN_ID_BYTES] = [16, 8] as const;
/** What stands after a span's name mostly: its kind and its times. */
const AFTER_NAME_BYTES = 2 + 2 * 9;
/** With the ids before it. */
const HEAD_BYTES = 3 * 2 + TRACE_ID_BYTES + 2 * SPAN_ID_BYTES + 2 + AFTER_NAME_BYTES;
const STATUS_CODE = 0x18;
const KEY = 0x0a;
const VALUE = 0x12;

/**
 * The fields of one item that rules read, as numbers and ranges of its bytes; of a span also what
 * sampling reads, so that one walk does for both. One instance is reused for all items.
 * Protobuf's rules hold: the last occurrence of a scalar counts, occurrences of a message merge.
 * Of attributes with the same key the first counts.
 */
export class ItemFields implements SampledSpan {
  bytes: Uint8Array = NOTHING;
  /** The item's message. */
  start = 0;
  end = 0;
  kind = 0;
  statusCode = 0;
  severity = 0;
  nameStart = 0;
  nameEnd = 0;
  traceStart = 0;
  traceEnd = 0;
  stateStart = 0;
  stateEnd = 0;
  hasParent = false;
  /** Set by whoever walks the scopes. */
  scopeNameStart = 0;
  scopeNameEnd = 0;
  readonly #cursor = new Cursor(NOTHING, 0, 0);
  readonly #statusCursor = new Cursor(NOTHING, 0, 0);
  readonly #pair = new KeyValueReader();
  /**
   * Counts items. A slot is filled when its stamp is that of the current item: nothing has to be
   * cleared between items.
   */
  #stamp = 0;
  #slotStamp = new Float64Array(0);
  #slotStart = new Int32Array(0);
  #slotEnd = new Int32Array(0);
  #slotBytes: Uint8Array[] = [];
  /** A slot was filled since the last release. */
  #filled = false;

  /**
   * Reads the item in [start, end), with the attributes that `keys` names. False when it is
   * malformed.
   */
  read(signal: Signal, bytes: Uint8Array, start: number, end: number, keys: KeySet | undefined): boolean {
    // Of a request with many items nothing is stored anew, which the collector has to be told of.
    if (this.bytes !== bytes) this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.kind = this.statusCode = this.severity = 0;
    this.nameStart = this.nameEnd = this.traceStart = this.traceEnd = start;
    this.stateStart = this.stateEnd = start;
    this.hasParent = false;
    this.#begin(keys);
    return this.#walk(signal === "traces" ? this.#spanHead(bytes, start, end) : start, signal, keys);
  }

  /** Lets go of the item's bytes. */
  release(): void {
    this.bytes = NOTHING;
    this.#cursor.reset(NOTHING, 0, 0);
    this.#statusCursor.reset(NOTHING, 0, 0);
    this.#pair.release();
    if (!this.#filled) return;
    this.#filled = false;
    for (let slot = 0; slot < this.#slotBytes.length; slot++) this.#slotBytes[slot] = NOTHING;
  }

  /** Whether the item has an attribute for this slot of the key set. */
  has(slot: number): boolean {
    return this.#slotStamp[slot] === this.#stamp;
  }

  /** The bytes in which [slotStart, slotEnd) is the attribute's AnyValue. */
  slotBytes(slot: number): Uint8Array {
    return this.#slotBytes[slot]!;
  }

  slotStart(slot: number): number {
    return this.#slotStart[slot]!;
  }

  slotEnd(slot: number): number {
    return this.#slotEnd[slot]!;
  }

  #begin(keys: KeySet | undefined): void {
    this.#stamp++;
    if (keys === undefined || keys.slots <= this.#slotStamp.length) return;
    const slots = keys.slots * 2;
    this.#slotStamp = new Float64Array(slots);
    this.#slotStart = new Int32Array(slots);
    this.#slotEnd = new Int32Array(slots);
    this.#slotBytes = Array.from({ length: slots }, () => NOTHING);
  }

  /**
   * Tags and lengths of one byte, nearly all of an item, are read in place whatever their wire
   * type; everything else goes by the cursor. Measured: 1,000 spans with 8 attributes and one
   * wanted key, 250 ns a span with all of routing; by the cursor alone 540 ns. And all of stage
   * sample with a rule on an attribute, on a busy machine: 612 ns a span with a second walk for
   * the trace id, and numbers and `flags` by the cursor; 367 ns so. To read a span with 8
   * attributes and one wanted key, alone: 170 ns with one loop for all fields, 142 with runs of
   * attributes and what spans begin with apart.
   */
  #walk(from: number, signal: Signal, keys: KeySet | undefined): boolean {
    const wanted = ACTIONS[signal];
    const attribute = ATTRIBUTES[signal];
    const { bytes, end } = this;
    let at = from;
    while (at < end) {
      if (bytes[at] === attribute) {
        const after =
          keys === undefined ? afterShort(bytes, at, end, attribute) : this.#attributes(at, attribute, keys);
        if (after > at) {
          at = after;
          continue;
        }
      }
      const tag = bytes[at]!;
      const length = bytes[at + 1]!;
      const wire = tag < 0x80 && tag >= 8 ? tag & 7 : -1;
      if (wire === 2 && length < 0x80) {
        const body = at + 2;
        at = body + length;
        if (at > end) return false;
        const action = wanted[tag]!;
        if (action !== 0 && !this.#range(action, body, at, keys)) return false;
      } else if (wire === 1) at += 9;
      else if (wire === 0 && length < 0x80) {
        const action = wanted[tag];
        if (action === KIND) this.kind = length;
        else if (action === SEVERITY) this.severity = length;
        at += 2;
      } else if (tag === FLAGS_LOW && length === FLAGS_HIGH) at += 6;
      else {
        at = this.#slowField(at, wanted, keys);
        if (at < 0) return false;
      }
    }
    return at === end;
  }

  /**
   * The ids, the name, the kind and the times that a span begins with, as encoders write them.
   * Gives the place of the first field that is anything else.
   */
  #spanHead(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < HEAD_BYTES) return start;
    let at = start;
    if (bytes[at] === TRACE_ID_TAG && bytes[at + 1] === TRACE_ID_BYTES) {
      this.traceStart = at + 2;
      this.traceEnd = at += 2 + TRACE_ID_BYTES;
    }
    if (bytes[at] === SPAN_ID_TAG && bytes[at + 1] === SPAN_ID_BYTES) at += 2 + SPAN_ID_BYTES;
    if (bytes[at] === PARENT_TAG && bytes[at + 1] === SPAN_ID_BYTES) {
      this.hasParent = true;
      at += 2 + SPAN_ID_BYTES;
    }
    const nameBytes = bytes[at + 1]!;
    if (bytes[at] !== NAME_TAG || nameBytes >= 0x80 || at + 2 + nameBytes + AFTER_NAME_BYTES > end) return at;
    this.nameStart = at + 2;
    this.nameEnd = at += 2 + nameBytes;
    if (bytes[at] === KIND_TAG && bytes[at + 1]! < 0x80) {
      this.kind = bytes[at + 1]!;
      at += 2;
    }
    if (bytes[at] === START_TIME_TAG) at += 9;
    return bytes[at] === END_TIME_TAG ? at + 9 : at;
  }

  /**
   * The attributes from there on that are as encoders write them: the key, then the value, all
   * with lengths of one byte, and nothing else. Gives the place of the first field that is
   * anything else.
   */
  #attributes(from: number, tag: number, keys: KeySet): number {
    const { bytes, end } = this;
    const { lengths } = keys;
    let at = from;
    while (at < end && bytes[at] === tag) {
      const body = at + 2;
      const to = body + bytes[at + 1]!;
      const keyBytes = bytes[body + 1]!;
      const keyEnd = body + 2 + keyBytes;
      if (
        to > end ||
        bytes[body] !== KEY ||
        bytes[keyEnd] !== VALUE ||
        to !== keyEnd + 2 + bytes[keyEnd + 1]! ||
        to - at >= 0x82
      ) {
        return at;
      }
      if (lengths[keyBytes] !== 0) this.#take(bytes, body + 2, keyEnd, to, keys);
      at = to;
    }
    return at;
  }

  /** The attribute whose key is [start, end), and whose value ends at `to`, after its two bytes. */
  #take(bytes: Uint8Array, start: number, end: number, to: number, keys: KeySet): void {
    const slot = keys.slotOf(bytes, start, end);
    if (slot >= 0 && !this.has(slot)) this.#fill(slot, bytes, end + 2, to);
  }

  /** Reads the field at `at` whatever its form, and returns the place after it, or -1. */
  #slowField(at: number, wanted: Uint8Array, keys: KeySet | undefined): number {
    const c = this.#cursor;
    c.reset(this.bytes, at, this.end);
    const tag = readTag(c);
    if (tag < 0) return -1;
    const action = tag < 128 ? wanted[tag]! : 0;
    const from = c.at;
    if (action === 0) return skipValue(c, tag) ? c.at : -1;
    if (action === KIND || action === SEVERITY) {
      if (readVarint(c) < 0) return -1;
      if (action === KIND) this.kind = int32Of(c.bytes, from, c.at);
      else this.severity = int32Of(c.bytes, from, c.at);
      return c.at;
    }
    const length = readLength(c);
    if (length < 0) return -1;
    return this.#range(action, c.at, c.at + length, keys) ? c.at + length : -1;
  }

  #range(action: number, from: number, to: number, keys: KeySet | undefined): boolean {
    switch (action) {
      case ATTRIBUTE:
        return keys === undefined || this.#attribute(this.bytes, from, to, keys);
      case NAME:
        this.nameStart = from;
        this.nameEnd = to;
        return true;
      case TRACE_ID:
        this.traceStart = from;
        this.traceEnd = to;
        return true;
      case TRACE_STATE:
        this.stateStart = from;
        this.stateEnd = to;
        return true;
      case PARENT:
        this.hasParent = to > from;
        return true;
      default:
        return this.#status(from, to);
    }
  }

  /** Whatever its form. */
  #attribute(bytes: Uint8Array, from: number, to: number, keys: KeySet): boolean {
    const pair = this.#pair;
    if (!pair.read(bytes, from, to)) return false;
    const slot = keys.slotOf(bytes, pair.keyStart, pair.keyEnd);
    if (slot >= 0 && !this.has(slot)) this.#fill(slot, pair.bytes, pair.valueStart, pair.valueEnd);
    return true;
  }

  #fill(slot: number, bytes: Uint8Array, start: number, end: number): void {
    this.#slotStamp[slot] = this.#stamp;
    this.#slotStart[slot] = start;
    this.#slotEnd[slot] = end;
    if (this.#slotBytes[slot] !== bytes) this.#slotBytes[slot] = bytes;
    this.#filled = true;
  }

  #status(start: number, end: number): boolean {
    if (end === start) return true;
    const { bytes } = this;
    if (end === start + 2 && bytes[start] === STATUS_CODE && bytes[start + 1]! < 0x80) {
      this.statusCode = bytes[start + 1]!;
      return true;
    }
    const c = this.#statusCursor;
    c.reset(this.bytes, start, end);
    while (c.at < end) {
      const tag = readTag(c);
      if (tag === STATUS_CODE) {
        const from = c.at;
        if (readVarint(c) < 0) return false;
        this.statusCode = int32Of(c.bytes, from, c.at);
      } else if (tag < 0 || !skipValue(c, tag)) {
        return false;
      }
    }
    return true;
  }
}

/** The place after the fields of this tag from `at` on whose lengths have one byte. */
function afterShort(bytes: Uint8Array, from: number, end: number, tag: number): number {
  let at = from;
  while (at < end && bytes[at] === tag && bytes[at + 1]! < 0x80) at += 2 + bytes[at + 1]!;
  return at;
}
