/** Where the gathering begins; most header blocks that are split are shorter than this. */
const FIRST_BYTES = 256;

/** Puts the fragments of one header block together. Its owner bounds what is added. */
export class BlockGatherer {
  #bytes = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  add(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#length + (end - start);
    if (length > this.#bytes.length) {
      // Grows by what has come, not by what a frame's head claims will come.
      const grown = new Uint8Array(Math.max(FIRST_BYTES, length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** Forgets the block; memory of an ordinary size is kept for the next. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > FIRST_BYTES * 4) this.#bytes = new Uint8Array(0);
  }
}
