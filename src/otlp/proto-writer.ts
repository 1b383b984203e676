import { allocOwned } from "../core/bytes.ts";
/** Wire types of protobuf (protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const I64 = 1;
const LEN = 2;
const I32 = 5;

/**
 * Below this, a loop over character codes is faster than a call into the runtime: 20 ns against 60
 * ns for 12 characters.
 */
const SHORT_TEXT = 24;

/**
 * Writes protobuf from the end to the front, so that a length is known when its prefix is due and
 * nothing is moved or measured twice: write the last field first, and a message's body before
 * `message` closes it.
 */
export class ProtoWriter {
  #bytes: Buffer;
  readonly #scratch: Buffer | undefined;
  /** Start of what is written. Invariant: 0 <= at <= bytes.length. */
  #at: number;

  /** It writes to `scratch` as long as there is room. */
  constructor(expectedBytes: number, scratch?: Buffer) {
    this.#scratch = scratch;
    const fits = scratch !== undefined && expectedBytes <= scratch.length;
    this.#bytes = fits ? scratch : allocOwned(Math.max(64, expectedBytes));
    this.#at = this.#bytes.length;
  }

  /** Bytes written so far: to give to `message`, `packed` or `rewind` later. */
  mark(): number {
    return this.#bytes.length - this.#at;
  }

  /** Forgets what was written since `mark`. */
  rewind(mark: number): void {
    this.#at = this.#bytes.length - mark;
  }

  /** What was written since `mark` is the body of field `number`: a message, or packed scalars. */
  message(number: number, mark: number): void {
    this.varint(this.mark() - mark);
    this.#tag(number, LEN);
  }

  string(number: number, text: string): void {
    const mark = this.mark();
    if (text.length > SHORT_TEXT || !this.#ascii(text)) {
      const length = Buffer.byteLength(text, "utf8");
      this.#reserve(length);
      this.#at -= length;
      this.#bytes.write(text, this.#at, length, "utf8");
    }
    this.message(number, mark);
  }

  bytes(number: number, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#at -= value.length;
    this.#bytes.set(value, this.#at);
    this.varint(value.length);
    this.#tag(number, LEN);
  }

  /**
   * A varint field of a number from -2^53 to 2^53; negative ones in ten bytes, as int32, int64 and
   * enums have them.
   */
  varintField(number: number, value: number): void {
    this.varint(value);
    this.#tag(number, VARINT);
  }

  doubleField(number: number, value: number): void {
    this.double(value);
    this.#tag(number, I64);
  }

  /** `value` from -2^63 to 2^64 - 1. */
  varint64Field(number: number, value: bigint): void {
    this.varint64(value);
    this.#tag(number, VARINT);
  }

  /** `value` from -2^63 to 2^64 - 1. */
  fixed64Field(number: number, value: bigint): void {
    this.fixed64(value);
    this.#tag(number, I64);
  }

  /** `value` from 0 to 2^32 - 1. */
  fixed32Field(number: number, value: number): void {
    this.#reserve(4);
    this.#at -= 4;
    this.#bytes.writeUInt32LE(value, this.#at);
    this.#tag(number, I32);
  }

  varint(value: number): void {
    if (value < 0) {
      this.varint64(BigInt(value));
      return;
    }
    let length = 1;
    for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) length++;
    this.#reserve(length);
    this.#at -= length;
    let at = this.#at;
    let rest = value;
    for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) this.#bytes[at++] = (rest % 128) | 0x80;
    for (; rest > 0x7f; rest >>>= 7) this.#bytes[at++] = (rest & 0x7f) | 0x80;
    this.#bytes[at] = rest;
  }

  varint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    let length = 1;
    for (let over = rest >> 7n; over > 0n; over >>= 7n) length++;
    this.#at -= length;
    for (let at = this.#at; at < this.#at + length; at++, rest >>= 7n) {
      this.#bytes[at] = Number(rest & 0x7fn) | (at === this.#at + length - 1 ? 0 : 0x80);
    }
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at -= 8;
    this.#bytes.writeDoubleLE(value, this.#at);
  }

  /**
   * What was written, a view of `scratch`, or owned: then of at most twice as much. The writer must
   * not be used after it.
   */
  finish(): Uint8Array {
    const { buffer, byteOffset, length } = this.#bytes;
    const view = new Uint8Array(buffer, byteOffset + this.#at, this.mark());
    const isOwned = this.#bytes !== this.#scratch;
    return isOwned && length > 2 * view.length + 64 ? new Uint8Array(view) : view;
  }

  #tag(number: number, wire: number): void {
    this.varint(number * 8 + wire);
  }

  /** True when the text was ASCII and is written; otherwise nothing is. */
  #ascii(text: string): boolean {
    this.#reserve(text.length);
    let at = this.#at;
    for (let i = text.length - 1; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#bytes[--at] = code;
    }
    this.#at = at;
    return true;
  }

  /** Doubles when full, so all copying together costs no more than the final size. */
  #reserve(length: number): void {
    if (length <= this.#at) return;
    const written = this.mark();
    const grown = allocOwned(Math.max(this.#bytes.length * 2, written + length));
    grown.set(this.#bytes.subarray(this.#at), grown.length - written);
    this.#bytes = grown;
    this.#at = grown.length - written;
  }
}
