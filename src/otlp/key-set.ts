import { textOwned, viewBuffer } from "../core/bytes.ts";

/**
 * Above this many keys a map of texts is faster than comparing bytes with each key of the same
 * length.
 */
const LINEAR_UP_TO = 8;

/** A fixed set of attribute keys, each with a slot number: finds a key's slot from its bytes. */
export class KeySet {
  /** One more than the highest slot. */
  readonly slots: number;
  /**
   * Not 0 at the lengths that keys of below 128 bytes have: a key of another length need not be
   * looked for.
   */
  readonly lengths = new Uint8Array(128);
  readonly #keys: readonly Key[];
  readonly #byText: ReadonlyMap<string, number> | undefined;

  /** `slots` by key; their places without it. */
  constructor(keys: readonly string[], slots: readonly number[] = keys.map((_, place) => place)) {
    this.#keys = keys.map((key, place) => new Key(textOwned(key), slots[place]!));
    this.slots = Math.max(0, ...slots) + 1;
    for (const { length } of this.#keys) if (length < this.lengths.length) this.lengths[length] = 1;
    if (keys.length <= LINEAR_UP_TO) return;
    this.#byText = new Map(this.#keys.map(({ bytes, slot }) => [viewBuffer(bytes).toString("latin1"), slot]));
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The slot of the key in [start, end), or -1. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.#byText !== undefined) return this.#byText.get(viewBuffer(bytes, start, end).toString("latin1")) ?? -1;
    for (let place = 0; place < this.#keys.length; place++) {
      const key = this.#keys[place]!;
      if (bytesEqual(bytes, start, end, key.bytes)) return key.slot;
    }
    return -1;
  }

  /** The same, by four bytes at a time: `view` is of all of `bytes`. */
  slotIn(view: DataView, bytes: Uint8Array, start: number, end: number): number {
    if (this.#byText !== undefined) return this.slotOf(bytes, start, end);
    for (let place = 0; place < this.#keys.length; place++) {
      const key = this.#keys[place]!;
      if (key.length === end - start && key.isAt(view, bytes, start)) return key.slot;
    }
    return -1;
  }
}

/** One of them, also as words of four bytes; the last one overlaps with the one before. */
class Key {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly slot: number;
  readonly #words: Int32Array;
  readonly #last: number;

  constructor(bytes: Uint8Array, slot: number) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytes = bytes;
    this.length = bytes.length;
    this.slot = slot;
    this.#words = Int32Array.from({ length: bytes.length >>> 2 }, (_, i) => view.getInt32(4 * i, true));
    this.#last = bytes.length < 4 ? 0 : view.getInt32(bytes.length - 4, true);
  }

  /** The end first: keys of one family differ there. */
  isAt(view: DataView, bytes: Uint8Array, start: number): boolean {
    const words = this.#words;
    if (words.length === 0) return bytesEqual(bytes, start, start + this.length, this.bytes);
    if (view.getInt32(start + this.length - 4, true) !== this.#last) return false;
    for (let i = 0; i < words.length; i++) if (view.getInt32(start + 4 * i, true) !== words[i]) return false;
    return true;
  }
}

/**
 * Whether [start, end) holds exactly these bytes. Compares from the end: keys of one family differ
 * there.
 */
export function bytesEqual(bytes: Uint8Array, start: number, end: number, want: Uint8Array): boolean {
  if (end - start !== want.length) return false;
  let i = want.length - 1;
  for (; i >= 3; i -= 4) {
    const at = start + i;
    const differ =
      (bytes[at]! ^ want[i]!) |
      (bytes[at - 1]! ^ want[i - 1]!) |
      (bytes[at - 2]! ^ want[i - 2]!) |
      (bytes[at - 3]! ^ want[i - 3]!);
    if (differ !== 0) return false;
  }
  for (; i >= 0; i--) if (bytes[start + i] !== want[i]) return false;
  return true;
}
