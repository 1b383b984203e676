import { allocOwned } from "../../core/bytes.ts";
import type { Wide } from "./wide.ts";

/** More than any tag with a scalar, or what a length can grow by. */
const SLACK = 32;

/**
 * Writes protobuf from the front to the end, for who reads a text in that order. Of a length the
 * place is guessed beforehand, and what was written behind it is moved when the guess was wrong.
 *
 * There is always room for what is still to be read: a text never becomes longer.
 */
export class ForwardWriter {
  bytes: Buffer = NOTHING;
  /** Where the next byte is written. */
  to = 0;
  /** Bytes that may still be moved. */
  movable = 0;
  #scratch: Buffer | undefined;

  /** It writes to `scratch` as long as there is room. */
  begin(expectedBytes: number, scratch: Buffer | undefined): void {
    const needed = expectedBytes + SLACK;
    this.#scratch = scratch;
    this.bytes = scratch !== undefined && needed <= scratch.length ? scratch : allocOwned(needed);
    this.to = 0;
    this.movable = MOVES * expectedBytes + 65_536;
  }

  /** Makes room for a tag and a scalar, and `rest` bytes besides. */
  reserve(rest: number): void {
    const needed = this.to + rest + SLACK;
    if (needed > this.bytes.length) this.#grow(needed);
  }

  /** For tags of at most two bytes. */
  tag(tag: number): void {
    if (tag < 0x80) this.bytes[this.to++] = tag;
    else {
      this.bytes[this.to] = (tag & 0x7f) | 0x80;
      this.bytes[this.to + 1] = tag >> 7;
      this.to += 2;
    }
  }

  /** `value` from 0 to 2^32 - 1. */
  varint(value: number): void {
    const { bytes } = this;
    let to = this.to;
    let rest = value;
    while (rest > 0x7f) {
      bytes[to++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[to++] = rest;
    this.to = to;
  }

  wideVarint({ low, high }: Wide): void {
    if (high === 0) {
      this.varint(low);
      return;
    }
    const { bytes } = this;
    let to = this.to;
    for (let shift = 0; shift < 28; shift += 7) bytes[to++] = ((low >>> shift) & 0x7f) | 0x80;
    let rest = high >>> 3;
    const middle = (low >>> 28) | ((high & 7) << 4);
    bytes[to++] = rest === 0 ? middle : middle | 0x80;
    if (rest !== 0) {
      for (; rest > 0x7f; rest >>>= 7) bytes[to++] = (rest & 0x7f) | 0x80;
      bytes[to++] = rest;
    }
    this.to = to;
  }

  fixed32(value: number): void {
    const { bytes, to } = this;
    bytes[to] = value;
    bytes[to + 1] = value >>> 8;
    bytes[to + 2] = value >>> 16;
    bytes[to + 3] = value >>> 24;
    this.to = to + 4;
  }

  wideFixed({ low, high }: Wide): void {
    this.fixed32(low);
    this.fixed32(high);
  }

  double(value: number): void {
    this.to = this.bytes.writeDoubleLE(value, this.to);
  }

  /** What is written from here on gets a length, for which `guess` bytes are kept. */
  open(guess: number): number {
    this.to += guess;
    return this.to;
  }

  /** Gives how many bytes the length took; 0: too much was moved already. */
  close(start: number, guess: number): number {
    const length = this.to - start;
    const size = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : length < 0x1000_0000 ? 4 : 5;
    if (size !== guess) {
      this.movable -= length;
      if (this.movable < 0) return 0;
      this.reserve(0);
      this.bytes.copyWithin(start - guess + size, start, this.to);
    }
    this.to = start - guess;
    this.varint(length);
    this.to += length;
    return size;
  }

  /** What was written: a view of `scratch`, or owned, and then at most twice as long. */
  finish(): Uint8Array {
    const { buffer, byteOffset, length } = this.bytes;
    const view = new Uint8Array(buffer, byteOffset, this.to);
    const isOwned = this.bytes !== this.#scratch;
    return isOwned && length > 2 * view.length + 64 ? new Uint8Array(view) : view;
  }

  /** Keeps nothing. */
  end(): void {
    this.bytes = NOTHING;
    this.#scratch = undefined;
  }

  #grow(needed: number): void {
    const grown = allocOwned(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.to));
    this.bytes = grown;
  }
}

const NOTHING = allocOwned(0);
/** Guesses are of the field that came before: who means well needs less than once the text. */
const MOVES = 4;
