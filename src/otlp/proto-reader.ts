/** Groups and nested reads are followed this deep; what is deeper is malformed. */
const MAX_DEPTH = 100;

/**
 * Sees one field: varints as unsigned 64-bit integers, messages and strings as a view. Fixed-width
 * fields are skipped.
 */
type VisitField = (number: number, value: bigint | Uint8Array) => void;

/**
 * Walks the fields of a small message, such as a reply; for requests there is a scanner. Unknown
 * fields are for the visitor to ignore. False when the bytes are not protobuf: fields before the
 * fault have been visited. Never throws.
 */
export function readFields(bytes: Uint8Array, visit: VisitField): boolean {
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    if (!reader.field(visit, 0)) return false;
  }
  return true;
}

/** The value of an int32 or int64 field, kept within what a number holds exactly. */
export function clampSigned(value: bigint): number {
  const signed = Number(BigInt.asIntN(64, value));
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, signed));
}

/** UTF-8 to text; what is not UTF-8 becomes U+FFFD. */
export function readText(bytes: Uint8Array, maxBytes: number): string {
  return new TextDecoder().decode(bytes.subarray(0, maxBytes));
}

const IGNORE: VisitField = () => undefined;

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  field(visit: VisitField, depth: number): boolean {
    const tag = this.#varint();
    if (tag === undefined || tag > 0xffff_ffffn || tag < 8n) return false;
    return this.#value(Number(tag >> 3n), Number(tag & 7n), visit, depth);
  }

  #value(number: number, wire: number, visit: VisitField, depth: number): boolean {
    switch (wire) {
      case 0: {
        const value = this.#varint();
        if (value !== undefined) visit(number, value);
        return value !== undefined;
      }
      case 1:
        return this.#skip(8) !== undefined;
      case 2: {
        const length = this.#varint();
        const body = length === undefined ? undefined : this.#skip(Number(length));
        if (body !== undefined) visit(number, body);
        return body !== undefined;
      }
      case 3:
        return depth < MAX_DEPTH && this.#group(number, depth + 1);
      case 5:
        return this.#skip(4) !== undefined;
      default:
        return false;
    }
  }

  #group(number: number, depth: number): boolean {
    const end = BigInt(number) * 8n + 4n;
    while (!this.atEnd) {
      const start = this.#at;
      if (this.#varint() === end) return true;
      this.#at = start;
      if (!this.field(IGNORE, depth)) return false;
    }
    return false;
  }

  #skip(length: number): Uint8Array | undefined {
    if (length > this.#bytes.length - this.#at) return undefined;
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #varint(): bigint | undefined {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return undefined;
  }
}
