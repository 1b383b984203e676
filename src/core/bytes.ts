/**
 * The one place where bytes get memory. A small buffer that Node allocates or copies is a part of a
 * pool of 64 KiB, and keeps all of it for as long as it lives; a view keeps what it is a view of.
 * So what is kept beyond its turn is `..Owned`; lint bans Buffer's own ways where telemetry passes.
 */

/**
 * New memory of exactly this length, with anything in it. A Buffer, whose methods are faster than
 * those of a Uint8Array.
 */
export function allocOwned(length: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafeSlow(length);
}

/**
 * Bodies lie next to bodies: nothing that lives longer keeps what is beside it, and one keeps at
 * most so much.
 */
const SHARED_BYTES = 16_384;
const LARGEST_SHARED = 4_096;
let shared = Buffer.allocUnsafeSlow(0);
let sharedTo = 0;

/**
 * Memory for a body that has a deadline. Short ones share, which costs a fifth of what memory of
 * its own does.
 */
export function allocBody(length: number): Buffer<ArrayBuffer> {
  if (length > LARGEST_SHARED) return allocOwned(length);
  if (sharedTo + length > shared.length) {
    shared = allocOwned(SHARED_BYTES);
    sharedTo = 0;
  }
  const body = Buffer.from(shared.buffer, sharedTo, length);
  sharedTo += (length + 7) & ~7;
  return body;
}

/**
 * Memory for what is written or done with in its turn: 400 ns faster than an owned one when it is
 * small.
 */
export function allocBrief(length: number): Buffer<ArrayBuffer> {
  return Buffer.allocUnsafe(length);
}

/**
 * For what is written and copied within one call, of which the length is known only at its end. One
 * for the process; nobody keeps a view of it.
 */
export const SCRATCH: Buffer<ArrayBuffer> = allocOwned(262_144 + 1);

/** A copy that keeps nothing else alive. */
export function copyOwned(bytes: Uint8Array): Buffer<ArrayBuffer> {
  const copy = allocOwned(bytes.length);
  copy.set(bytes);
  return copy;
}

/** All of them one after the other, in memory of their own. */
export function joinOwned(pieces: readonly Uint8Array[], length: number = lengthOf(pieces)): Buffer<ArrayBuffer> {
  const joined = allocOwned(length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** The bytes of a text, in memory of their own. */
export function textOwned(text: string, encoding: BufferEncoding = "utf8"): Buffer<ArrayBuffer> {
  return copyOwned(textBrief(text, encoding));
}

/** The bytes of a text that are read in this turn. */
export function textBrief(text: string, encoding: BufferEncoding = "utf8"): Buffer<ArrayBuffer> {
  return Buffer.from(text, encoding);
}

/** Borrowed: a view of [start, end) of the same memory, as a Buffer. */
export function viewBuffer(bytes: Uint8Array, start = 0, end: number = bytes.length): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

/**
 * Memory that lives as long as these pieces do; what several share is counted once. For a few
 * pieces.
 */
export function heldBytes(pieces: readonly Uint8Array[]): number {
  let held = 0;
  for (let i = 0; i < pieces.length; i++) {
    const { buffer } = pieces[i]!;
    let first = 0;
    while (pieces[first]!.buffer !== buffer) first++;
    if (first === i) held += buffer.byteLength;
  }
  return held;
}

export function lengthOf(pieces: readonly Uint8Array[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/**
 * What may be held beside the bytes that are counted: an eighth, and what no allocation is free of.
 */
export function isHeldExactly(pieces: readonly Uint8Array[], length: number): boolean {
  return heldBytes(pieces) <= length + (length >>> 3) + 64;
}
