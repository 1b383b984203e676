import { allocOwned, viewBuffer } from "../../../core/bytes.ts";
import { huffmanDecode } from "./huffman.ts";

/**
 * More would be 2^28 and above, or written with zeros to spare: RFC 7541, 5.1 leaves the limit to
 * us.
 */
const MAX_INTEGER_BYTES = 4;
/**
 * Texts up to here are put together from characters: 23 ns for 6 of them, where a call into Node
 * costs 43 ns for any length.
 */
const SHORT_TEXT = 8;

const NOTHING = new Uint8Array(0);
/** Texts are decoded here, one at a time, of whichever connection. */
let decodedText = allocOwned(512);

/**
 * The primitives of RFC 7541, section 5, on one header block after the other. What fails makes
 * `failed` true, for good.
 */
export class BlockReader {
  #bytes: Uint8Array = NOTHING;
  #end = 0;
  at = 0;
  failed = false;

  /** Borrowed until `finish`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.at = start;
    this.#end = end;
  }

  /** Lets go of the block's bytes. */
  finish(): void {
    this.#bytes = NOTHING;
  }

  get atEnd(): boolean {
    return this.at >= this.#end;
  }

  /** The next byte, not yet taken; `atEnd` is false. */
  get next(): number {
    return this.#bytes[this.at]!;
  }

  /** An integer with a prefix of `bits` bits (5.1); -1 when it is cut off or too large. */
  integer(bits: number): number {
    const mask = (1 << bits) - 1;
    let value = this.#bytes[this.at++]! & mask;
    if (value < mask) return value;
    for (let i = 0; i < MAX_INTEGER_BYTES; i++) {
      if (this.at >= this.#end) break;
      const byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    this.failed = true;
    return -1;
  }

  /** A string literal (5.2), one character for each byte. */
  text(): string {
    if (this.at >= this.#end) return this.#fail();
    const huffman = (this.#bytes[this.at]! & 0x80) !== 0;
    const length = this.integer(7);
    if (length < 0 || length > this.#end - this.at) return this.#fail();
    const start = this.at;
    this.at += length;
    if (!huffman) return this.#latin1(this.#bytes, start, this.at);
    if (length * 2 > decodedText.length) decodedText = allocOwned(length * 2);
    const decoded = huffmanDecode(this.#bytes, start, this.at, decodedText);
    return decoded < 0 ? this.#fail() : this.#latin1(decodedText, 0, decoded);
  }

  #latin1(bytes: Uint8Array, start: number, end: number): string {
    if (end - start > SHORT_TEXT) return asBuffer(bytes).toString("latin1", start, end);
    let text = "";
    for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
    return text;
  }

  #fail(): string {
    this.failed = true;
    return "";
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : viewBuffer(bytes);
}
