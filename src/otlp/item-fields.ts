import { KeyValueReader } from "./key-value.ts";
import type { KeySet } from "./key-set.ts";
import type { Signal } from "./signal.ts";
import { Cursor, int32Of, readLength, readTag, readVarint, skipValue } from "./wire.ts";

/** Tags of the fields that rules can read; 0 where a signal has no such field. */
interface ItemTags {
  readonly traceId: number;
  readonly name: number;
  readonly kind: number;
  readonly severity: number;
  readonly attributes: number;
  readonly status: number;
}

const TAGS: Readonly<Record<Signal, ItemTags>> = {
  traces: { traceId: 0x0a, name: 0x2a, kind: 0x30, severity: 0, attributes: 0x4a, status: 0x7a },
  metrics: { traceId: 0, name: 0x0a, kind: 0, severity: 0, attributes: 0, status: 0 },
  logs: { traceId: 0x4a, name: 0, kind: 0, severity: 0x10, attributes: 0x32, status: 0 },
};
const STATUS_CODE = 0x18;

/**
 * The fields of one item that rules read, as numbers and ranges of its bytes. One instance is reused for all items.
 * Protobuf's rules hold: the last occurrence of a scalar counts, occurrences of a message merge. Of attributes with the
 * same key the first counts.
 */
export class ItemFields {
  bytes: Uint8Array = new Uint8Array(0);
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
  /** Set by whoever walks the scopes. */
  scopeNameStart = 0;
  scopeNameEnd = 0;
  readonly #cursor = new Cursor(new Uint8Array(0), 0, 0);
  readonly #pair = new KeyValueReader();
  /** Counts items. A slot is filled when its stamp is that of the current item: nothing has to be cleared between items. */
  #stamp = 0;
  #slotStamp = new Float64Array(0);
  #slotStart = new Int32Array(0);
  #slotEnd = new Int32Array(0);
  #slotBytes: Uint8Array[] = [];

  /** Reads the item in [start, end), with the attributes that `keys` names. False when it is malformed. */
  read(signal: Signal, bytes: Uint8Array, start: number, end: number, keys: KeySet | undefined): boolean {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.kind = this.statusCode = this.severity = 0;
    this.nameStart = this.nameEnd = this.traceStart = this.traceEnd = start;
    this.#begin(keys);
    const tags = TAGS[signal];
    const c = this.#cursor;
    c.reset(bytes, start, end);
    while (c.at < end) {
      const tag = readTag(c);
      if (tag < 0 || !this.#field(c, tag, tags, keys)) return false;
    }
    return true;
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
    if (keys === undefined || keys.size <= this.#slotStamp.length) return;
    this.#slotStamp = new Float64Array(keys.size * 2);
    this.#slotStart = new Int32Array(keys.size * 2);
    this.#slotEnd = new Int32Array(keys.size * 2);
  }

  #field(c: Cursor, tag: number, tags: ItemTags, keys: KeySet | undefined): boolean {
    if (tag === tags.attributes && keys !== undefined) {
      const length = readLength(c);
      if (length < 0 || !this.#attribute(c.at, c.at + length, keys)) return false;
      c.at += length;
      return true;
    }
    if (tag === tags.kind || tag === tags.severity) {
      const from = c.at;
      if (readVarint(c) < 0) return false;
      if (tag === tags.kind) this.kind = int32Of(c.bytes, from, c.at);
      else this.severity = int32Of(c.bytes, from, c.at);
      return true;
    }
    if (tag === tags.name || tag === tags.traceId || tag === tags.status) return this.#range(c, tag, tags);
    return skipValue(c, tag);
  }

  #range(c: Cursor, tag: number, tags: ItemTags): boolean {
    const length = readLength(c);
    if (length < 0) return false;
    const start = c.at;
    c.at += length;
    if (tag === tags.status) return this.#status(start, c.at);
    if (tag === tags.name) {
      this.nameStart = start;
      this.nameEnd = c.at;
    } else {
      this.traceStart = start;
      this.traceEnd = c.at;
    }
    return true;
  }

  #attribute(start: number, end: number, keys: KeySet): boolean {
    const pair = this.#pair;
    if (!pair.read(this.bytes, start, end)) return false;
    const slot = keys.slotOf(this.bytes, pair.keyStart, pair.keyEnd);
    if (slot < 0 || this.has(slot)) return true;
    this.#slotStamp[slot] = this.#stamp;
    this.#slotStart[slot] = pair.valueStart;
    this.#slotEnd[slot] = pair.valueEnd;
    this.#slotBytes[slot] = pair.bytes;
    return true;
  }

  #status(start: number, end: number): boolean {
    const c = new Cursor(this.bytes, start, end);
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
