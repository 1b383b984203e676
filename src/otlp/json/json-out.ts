import { isUtf8 } from "node:buffer";
import { allocOwned, copyOwned, viewBuffer } from "../../core/bytes.ts";

const FIRST_BYTES = 16_384;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/**
 * A JSON text that is written, and may become so long. What is beyond is not written, and `full` is
 * set.
 */
export class JsonOut {
  full = false;
  #bytes = allocOwned(0);
  #to = 0;
  #most = 0;

  begin(expectedBytes: number, most: number): void {
    this.full = false;
    this.#most = most;
    this.#to = 0;
    this.#bytes = allocOwned(Math.min(most, Math.max(FIRST_BYTES, expectedBytes)));
  }

  get length(): number {
    return this.#to;
  }

  /** Owned, and of at most an eighth more. */
  finish(): Buffer {
    const written = this.#bytes.subarray(0, this.#to);
    const isTight = this.#bytes.length <= this.#to + (this.#to >>> 3);
    this.#bytes = allocOwned(0);
    return isTight ? written : copyOwned(written);
  }

  ascii(text: string): void {
    if (!this.#reserve(text.length)) return;
    const bytes = this.#bytes;
    let to = this.#to;
    for (let i = 0; i < text.length; i++) bytes[to++] = text.charCodeAt(i);
    this.#to = to;
  }

  /** Takes back what was written last: a comma before the end of a list. */
  back(): void {
    this.#to--;
  }

  /** A text. False where it is not UTF-8, which JSON cannot say. */
  text(from: Uint8Array, start: number, end: number): boolean {
    if (!this.#reserve(end - start + 2)) return true;
    let bytes = this.#bytes;
    let to = this.#to;
    let all = 0;
    bytes[to++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at]!;
      if (byte >= SPACE && byte !== QUOTE && byte !== BACKSLASH) {
        all |= byte;
        bytes[to++] = byte;
        continue;
      }
      this.#to = to;
      this.ascii(ESCAPES[byte]!);
      if (!this.#reserve(end - at + 1)) return true;
      bytes = this.#bytes;
      to = this.#to;
    }
    bytes[to++] = QUOTE;
    this.#to = to;
    return all < 0x80 || isUtf8(from.subarray(start, end));
  }

  encoded(from: Uint8Array, start: number, end: number, encoding: "hex" | "base64"): void {
    if (!this.#reserve(2 * (end - start) + 6)) return;
    this.#bytes[this.#to++] = QUOTE;
    this.#to += this.#bytes.write(viewBuffer(from, start, end).toString(encoding), this.#to, "latin1");
    this.#bytes[this.#to++] = QUOTE;
  }

  /** Room for so many bytes. */
  #reserve(length: number): boolean {
    const needed = this.#to + length;
    if (needed <= this.#bytes.length) return true;
    if (this.full || needed > this.#most) {
      this.full = true;
      return false;
    }
    const grown = allocOwned(Math.min(this.#most, Math.max(needed, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#to));
    this.#bytes = grown;
    return true;
  }
}

/** By the byte: control characters, quotes and backslashes. */
const ESCAPES: readonly string[] = Array.from({ length: 128 }, (_, byte) =>
  JSON.stringify(String.fromCharCode(byte)).slice(1, -1),
);
