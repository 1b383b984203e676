import { allocOwned } from "../../../core/bytes.ts";
import { huffmanBytes, huffmanEncode } from "./huffman.ts";

/** Puts one header block together from the primitives of RFC 7541, section 5. */
export class BlockWriter {
  #bytes = allocOwned(256);
  #at = 0;

  /** An integer with a prefix of `bits` bits, below the bits of `pattern`. */
  integer(pattern: number, bits: number, value: number): void {
    this.#room(6);
    const mask = (1 << bits) - 1;
    if (value < mask) {
      this.#bytes[this.#at++] = pattern | value;
      return;
    }
    this.#bytes[this.#at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#at++] = rest;
  }

  /**
   * A string literal, one byte for each character, in the Huffman code where that is shorter.
   * Throws RangeError above U+00FF.
   */
  text(text: string): void {
    refuseWide(text);
    const coded = huffmanBytes(text);
    const huffman = coded < text.length;
    this.integer(huffman ? 0x80 : 0, 7, huffman ? coded : text.length);
    this.#room(text.length);
    if (huffman) this.#at = huffmanEncode(text, this.#bytes, this.#at);
    else this.#at += this.#bytes.write(text, this.#at, "latin1");
  }

  /** The block, owned by the caller. */
  take(): Uint8Array {
    const block = new Uint8Array(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
    return block;
  }

  #room(bytes: number): void {
    if (this.#bytes.length - this.#at >= bytes) return;
    const grown = allocOwned(Math.max(this.#bytes.length * 2, this.#at + bytes));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}

/** A header field holds bytes. Throws RangeError for a text that cannot be written as one. */
export function refuseWide(text: string): void {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0xff) throw new RangeError("a header field has no character above U+00FF");
  }
}
