/** Wire types of protobuf (protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const I64 = 1;
const LEN = 2;
const I32 = 5;

/** A message that is being written, field by field. As proto3 has it, zeros are left out. */
export class MessageWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** int64, uint64, bool and enums. */
  int(number: number, value: bigint | number | boolean): this {
    const whole = BigInt(value);
    return whole === 0n ? this : this.intEvenZero(number, whole);
  }

  /** For a member of a `oneof`, which is there also when it is zero. */
  intEvenZero(number: number, value: bigint): this {
    return this.#push(varint(BigInt(number * 8 + VARINT))).#push(varint(value));
  }

  bytes(number: number, value: Uint8Array): this {
    return value.length === 0 ? this : this.bytesEvenEmpty(number, value);
  }

  bytesEvenEmpty(number: number, value: Uint8Array): this {
    return this.#push(varint(BigInt(number * 8 + LEN)))
      .#push(varint(BigInt(value.length)))
      .#push(value);
  }

  text(number: number, value: string): this {
    return this.bytes(number, Buffer.from(value, "utf8"));
  }

  /** Its parts are copied once, with all others at the end. */
  message(number: number, body: MessageWriter): this {
    this.#push(varint(BigInt(number * 8 + LEN))).#push(varint(BigInt(body.#length)));
    for (const part of body.#parts) this.#push(part);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts, this.#length);
  }

  #push(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

/** A field of a message: varints as 64 bits without sign, everything with a length as a view. */
type VisitMessageField = (number: number, value: bigint, bytes: Uint8Array) => void;

const NO_BYTES = new Uint8Array(0);

/**
 * Walks the fields of a message; those of a fixed width are passed over, and unknown ones are for
 * the visitor to ignore. Throws when the bytes are no protobuf.
 */
export function readMessage(bytes: Uint8Array, visit: VisitMessageField): void {
  const cursor = { bytes, at: 0 };
  while (cursor.at < bytes.length) {
    const tag = Number(readVarint(cursor));
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        visit(number, readVarint(cursor), NO_BYTES);
        break;
      case LEN:
        visit(number, 0n, take(cursor, Number(readVarint(cursor))));
        break;
      case I64:
        take(cursor, 8);
        break;
      case I32:
        take(cursor, 4);
        break;
      default:
        throw new Error(`no protobuf: wire type ${tag % 8} at byte ${cursor.at}`);
    }
  }
}

export function signed(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

interface WireCursor {
  readonly bytes: Uint8Array;
  at: number;
}

function take(cursor: WireCursor, length: number): Uint8Array {
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw new Error(`no protobuf: ${length} bytes are missing at byte ${cursor.at}`);
  const taken = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}

function readVarint(cursor: WireCursor): bigint {
  let low = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const byte = byteAt(cursor);
    low += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return BigInt(low);
  }
  let value = BigInt(low);
  for (let shift = 28n; shift < 70n; shift += 7n) {
    const byte = byteAt(cursor);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  throw new Error(`no protobuf: a number without an end at byte ${cursor.at}`);
}

function byteAt(cursor: WireCursor): number {
  const byte = cursor.bytes[cursor.at++];
  if (byte === undefined) throw new Error("no protobuf: it ends within a number");
  return byte;
}

/** Negative numbers in ten bytes, as int64 has them. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
