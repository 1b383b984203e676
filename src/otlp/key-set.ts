import { textOwned, viewBuffer } from "../core/bytes.ts";
/** Above this many keys a map of texts is faster than comparing bytes with each key of the same length. */
const LINEAR_UP_TO = 8;

/** A fixed set of attribute keys, each with a slot number: finds a key's slot from its bytes. */
export class KeySet {
  readonly #keys: readonly Uint8Array[];
  readonly #byText: ReadonlyMap<string, number>;

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => textOwned(key));
    this.#byText = new Map(this.#keys.map((key, slot) => [viewBuffer(key).toString("latin1"), slot]));
  }

  get size(): number {
    return this.#keys.length;
  }

  /** The slot of the key in [start, end), or -1. */
  slotOf(bytes: Uint8Array, start: number, end: number): number {
    if (this.#keys.length > LINEAR_UP_TO) return this.#slotByText(bytes, start, end);
    for (let slot = 0; slot < this.#keys.length; slot++) {
      if (bytesEqual(bytes, start, end, this.#keys[slot]!)) return slot;
    }
    return -1;
  }

  #slotByText(bytes: Uint8Array, start: number, end: number): number {
    const key = viewBuffer(bytes, start, end).toString("latin1");
    return this.#byText.get(key) ?? -1;
  }
}

/** Whether [start, end) holds exactly these bytes. Compares from the end: keys of one family differ there. */
export function bytesEqual(bytes: Uint8Array, start: number, end: number, want: Uint8Array): boolean {
  if (end - start !== want.length) return false;
  for (let i = want.length - 1; i >= 0; i--) {
    if (bytes[start + i] !== want[i]) return false;
  }
  return true;
}
