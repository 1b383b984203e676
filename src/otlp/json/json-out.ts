import { isUtf8 } from "node:buffer";
import { allocOwned, copyOwned, textOwned, viewBuffer } from "../../core/bytes.ts";

const FIRST_BYTES = 16_384;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const MINUS = 0x2d;
const ZERO = 0x30;
const HEX = textOwned("0123456789abcdef");
const BILLION = 1_000_000_000;
const SIXTEEN_BITS = 65_536;
/** Of a number of 64 bits, with its sign and quotes. */
const DIGITS = 23;

/**
 * A JSON text that is written, and may become so long. What is beyond is not written, and `full` is
 * set.
 */
export class JsonOut {
  #noRoom = false;
  #bytes = allocOwned(0);
  #to = 0;
  #most = 0;

  begin(expectedBytes: number, most: number): void {
    this.#noRoom = false;
    this.#most = most;
    this.#to = 0;
    this.#bytes = allocOwned(Math.min(most, Math.max(FIRST_BYTES, expectedBytes)));
  }

  get full(): boolean {
    return this.#noRoom || this.#to > this.#most;
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

  /** A text of ASCII that is there as bytes. */
  bytes(text: Uint8Array): void {
    const { length } = text;
    if (!this.#reserve(length)) return;
    const bytes = this.#bytes;
    const to = this.#to;
    for (let i = 0; i < length; i++) bytes[to + i] = text[i]!;
    this.#to = to + length;
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

  /** A text of two digits for each byte. */
  hex(from: Uint8Array, start: number, end: number): void {
    if (!this.#reserve(2 * (end - start) + 2)) return;
    const bytes = this.#bytes;
    let to = this.#to;
    bytes[to++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at]!;
      bytes[to++] = HEX[byte >>> 4]!;
      bytes[to++] = HEX[byte & 15]!;
    }
    bytes[to++] = QUOTE;
    this.#to = to;
  }

  base64(from: Uint8Array, start: number, end: number): void {
    if (!this.#reserve(2 * (end - start) + 6)) return;
    this.#bytes[this.#to++] = QUOTE;
    this.#to += this.#bytes.write(viewBuffer(from, start, end).toString("base64"), this.#to, "latin1");
    this.#bytes[this.#to++] = QUOTE;
  }

  /** A whole number below 2^32, of either sign. */
  integer(value: number): void {
    if (!this.#reserve(DIGITS)) return;
    if (value < 0) this.#bytes[this.#to++] = MINUS;
    this.#digits(Math.abs(value));
  }

  /** high x 2^32 + low, as a text: JSON has no numbers of so many digits that all readers keep. */
  wide(high: number, low: number): void {
    if (!this.#reserve(DIGITS)) return;
    this.#bytes[this.#to++] = QUOTE;
    this.#wideDigits(high >>> 0, low >>> 0);
    this.#bytes[this.#to++] = QUOTE;
  }

  /** The same of a number in two's complement. */
  signedWide(high: number, low: number): void {
    if (high >= 0) return this.wide(high, low);
    if (!this.#reserve(DIGITS)) return;
    this.#bytes[this.#to++] = QUOTE;
    this.#bytes[this.#to++] = MINUS;
    this.#wideDigits(low === 0 ? -high >>> 0 : ~high >>> 0, -low >>> 0);
    this.#bytes[this.#to++] = QUOTE;
  }

  /** Divided as on paper, by 16 bits at a time: each step is exact in a double. */
  #wideDigits(high: number, low: number): void {
    const first = Math.floor(high / BILLION);
    const middle = (high - first * BILLION) * SIXTEEN_BITS + (low >>> 16);
    const second = Math.floor(middle / BILLION);
    const last = (middle - second * BILLION) * SIXTEEN_BITS + (low & 0xffff);
    const third = Math.floor(last / BILLION);
    const billions = (first * SIXTEEN_BITS + second) * SIXTEEN_BITS + third;
    const rest = last - third * BILLION;
    if (billions === 0) return this.#digits(rest);
    this.#digits(billions);
    this.#nine(rest, 9);
  }

  /** Of a number below 10^18. */
  #digits(value: number): void {
    if (value < BILLION) return this.#nine(value, countOf(value));
    const above = Math.floor(value / BILLION);
    this.#nine(above, countOf(above));
    this.#nine(value - above * BILLION, 9);
  }

  /** So many digits, nine at most. */
  #nine(value: number, count: number): void {
    const bytes = this.#bytes;
    let left = value | 0;
    for (let at = this.#to + count - 1; at >= this.#to; at--) {
      const tenth = (left / 10) | 0;
      bytes[at] = ZERO + left - 10 * tenth;
      left = tenth;
    }
    this.#to += count;
  }

  /** Room for so many bytes; beyond the end for a number of fewer digits than it may have. */
  #reserve(length: number): boolean {
    const needed = this.#to + length;
    if (needed <= this.#bytes.length) return true;
    if (this.#noRoom || needed > this.#most + DIGITS) {
      this.#noRoom = true;
      return false;
    }
    const grown = allocOwned(Math.min(this.#most + DIGITS, Math.max(needed, 2 * this.#bytes.length)));
    grown.set(this.#bytes.subarray(0, this.#to));
    this.#bytes = grown;
    return true;
  }
}

/** Decimal digits of a number below 10^9. */
function countOf(value: number): number {
  let count = 1;
  for (let least = 10; count < 9 && value >= least; least *= 10) count++;
  return count;
}

/** By the byte: control characters, quotes and backslashes. */
const ESCAPES: readonly string[] = Array.from({ length: 128 }, (_, byte) =>
  JSON.stringify(String.fromCharCode(byte)).slice(1, -1),
);
