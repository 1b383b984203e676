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
  readonly #keys: readonly Uint8Array[];
  readonly #slotOf: readonly number[];
  readonly #byText: ReadonlyMap<string, number> | undefined;

  /** `slots` by key; their places without it. */
  constructor(keys: readonly string[], slots: readonly number[] = keys.map((_, place) => place)) {
    this.#keys = keys.map((key) => textOwned(key));
    this.#slotOf = slots;
    this.slots = Math.max(0, ...slots) + 1;
    for (const { length } of this.#keys) if (length < this.lengths.length) this.lengths[length] = 1;
    if (keys.length <= LINEAR_UP_TO) return;
    this.#byText = new Map(this.#keys.map((key, place) => [viewBuffer(key).toString("latin1"), slots[place]!]));
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The slot of the key in [start, end), or -1. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.#byText !== undefined) return this.#byText.get(viewBuffer(bytes, start, end).toString("latin1")) ?? -1;
    for (let place = 0; place < this.#keys.length; place++) {
      if (bytesEqual(bytes, start, end, this.#keys[place]!)) return this.#slotOf[place]!;
    }
    return -1;
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
