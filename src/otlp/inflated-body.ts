import type { BodyMemory, Extent } from "../core/arena/extent.ts";
import { viewBuffer } from "../core/bytes.ts";

/** What a body becomes: written where it stays, or copied there once. */
export class InflatedBody {
  /** So much is there. */
  length = 0;
  readonly #memory: BodyMemory;
  /** It becomes no longer than that. */
  readonly #cap: number;
  #extent: Extent | undefined;

  constructor(memory: BodyMemory, cap: number) {
    this.#memory = memory;
    this.#cap = cap;
  }

  /** Where the next bytes go, so many or more; undefined: there is no room. */
  place(bytes: number): Buffer | undefined {
    const needed = this.length + bytes;
    const extent = this.#extent;
    if (extent === undefined) this.#extent = this.#memory.alloc(needed, true);
    else if (extent.bytes.length < needed) {
      const ahead = Math.max(needed, Math.min(2 * extent.bytes.length, this.#cap));
      if (!this.#memory.grow(extent, ahead, this.length)) return undefined;
    }
    return this.#extent === undefined ? undefined : viewBuffer(this.#extent.bytes, this.length, needed);
  }

  /** The next bytes, which may be where they should be already. False: there is no room. */
  add(piece: Uint8Array): boolean {
    if (piece.length > 0 && !this.#isInPlace(piece)) {
      const place = this.place(piece.length);
      if (place === undefined) return false;
      place.set(piece);
    }
    this.length += piece.length;
    return true;
  }

  /** All of it, to be released by the caller; undefined: there is no room. */
  take(): Extent | undefined {
    const extent = this.#extent ?? this.#memory.alloc(0, true);
    this.#extent = undefined;
    if (extent !== undefined && extent.bytes.length > this.length) this.#memory.trim(extent, this.length);
    return extent;
  }

  drop(): void {
    this.#extent?.release();
    this.#extent = undefined;
  }

  #isInPlace(piece: Uint8Array): boolean {
    const bytes = this.#extent?.bytes;
    return bytes?.buffer === piece.buffer && bytes.byteOffset + this.length === piece.byteOffset;
  }
}
