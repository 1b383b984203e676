/**
 * Reading protobuf's wire format (protobuf.dev/programming-guides/encoding) without decoding it:
 * tags, lengths, skipping. Nothing here throws or allocates: a malformed input gives MALFORMED, and
 * the caller turns it into a refusal.
 */

export const MALFORMED = -1;

export const WIRE = { VARINT: 0, I64: 1, LEN: 2, GROUP: 3, GROUP_END: 4, I32: 5 } as const;

/** Messages and groups nest at most this deep: the limit of the common decoders. */
export const MAX_DEPTH = 100;

/** A place in a message. Borrows the bytes. */
export class Cursor {
  bytes: Uint8Array;
  /** Next byte to read. Invariant: 0 <= at <= end. */
  at: number;
  /** One past the last byte of the current message, not of the buffer. */
  end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  reset(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }
}

/** The number of a field, from its tag. */
export function fieldOf(tag: number): number {
  return tag >>> 3;
}

/** The wire type of a field, from its tag. */
export function wireOf(tag: number): number {
  return tag & 7;
}

/**
 * Tags and lengths of more bytes than 32 bits need are malformed, though their value may be small:
 * there are common decoders that refuse them (C++, Python), so they must not be taken for them.
 */
const MAX_BYTES_OF_32_BITS = 5;

/** Reads a tag: an unsigned 32-bit varint whose field number is not 0. MALFORMED otherwise. */
export function readTag(c: Cursor): number {
  if (c.at >= c.end) return MALFORMED;
  const first = c.bytes[c.at]!;
  if (first < 0x80) {
    c.at++;
    return first < 8 ? MALFORMED : first;
  }
  const start = c.at;
  const tag = readVarint(c);
  return tag < 8 || tag > 0xffff_ffff || c.at - start > MAX_BYTES_OF_32_BITS ? MALFORMED : tag;
}

/**
 * Reads a varint as a number. Exact up to 2^53; above that only the order of magnitude is right,
 * which is enough to compare a length with what is there. MALFORMED when it has no end within the
 * message or is longer than 10 bytes.
 */
export function readVarint(c: Cursor): number {
  const { bytes, end } = c;
  let at = c.at;
  if (at >= end) return MALFORMED;
  let byte = bytes[at++]!;
  if (byte < 0x80) {
    c.at = at;
    return byte;
  }
  let value = byte & 0x7f;
  let scale = 128;
  for (let i = 1; i < 10; i++) {
    if (at >= end) return MALFORMED;
    byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      c.at = at;
      return i === 9 && byte > 1 ? MALFORMED : value;
    }
    scale *= 128;
  }
  return MALFORMED;
}

/**
 * The varint in [start, end) as a signed 32-bit integer: protobuf keeps the low bits, for enums
 * too.
 */
export function int32Of(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start, shift = 0; at < end && shift < 32; at++, shift += 7) value |= (bytes[at]! & 0x7f) << shift;
  return value;
}

/**
 * Reads the length of a LEN field that must fit into the message. Afterwards `at` is the first byte
 * of the value.
 */
export function readLength(c: Cursor): number {
  const start = c.at;
  const length = readVarint(c);
  return length > c.end - c.at || c.at - start > MAX_BYTES_OF_32_BITS ? MALFORMED : length;
}

/**
 * Skips the value of a field whose tag has just been read. False when it is malformed. `depth` is
 * that of the field's message: it counts for groups, which nest in the same limit.
 */
export function skipValue(c: Cursor, tag: number, depth = 0): boolean {
  switch (tag & 7) {
    case WIRE.VARINT:
      return readVarint(c) !== MALFORMED;
    case WIRE.I64:
      return skipBytes(c, 8);
    case WIRE.LEN: {
      const length = readLength(c);
      return length !== MALFORMED && skipBytes(c, length);
    }
    case WIRE.GROUP:
      return skipGroup(c, tag >>> 3, depth);
    case WIRE.I32:
      return skipBytes(c, 4);
    default:
      return false; // a group's end without its start, or a wire type that does not exist
  }
}

function skipBytes(c: Cursor, count: number): boolean {
  if (count > c.end - c.at) return false;
  c.at += count;
  return true;
}

/**
 * The fields of the groups that are open. One for all: a message may have a group in every second
 * byte.
 */
const openGroups = new Uint32Array(MAX_DEPTH);

/** Skips to the end tag of a group. Iterative: depth costs a stack of numbers, not of calls. */
function skipGroup(c: Cursor, field: number, depth: number): boolean {
  if (depth >= MAX_DEPTH) return false;
  let open = 1;
  openGroups[0] = field;
  while (open > 0) {
    const tag = readTag(c);
    if (tag === MALFORMED) return false;
    if (wireOf(tag) === WIRE.GROUP) {
      if (depth + open >= MAX_DEPTH) return false;
      openGroups[open++] = fieldOf(tag);
    } else if (wireOf(tag) === WIRE.GROUP_END) {
      if (openGroups[--open] !== fieldOf(tag)) return false;
    } else if (!skipValue(c, tag)) {
      return false;
    }
  }
  return true;
}

/** Bytes that a number takes as a varint, for lengths below 2^31. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Bytes of a LEN field that has so many in it, and a tag of one byte. */
export function fieldBytes(inner: number): number {
  return 1 + varintBytes(inner) + inner;
}

/** Writes a varint below 2^31 and returns the place after it. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    into[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  into[at++] = value;
  return at;
}
