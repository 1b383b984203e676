/** Thrown when bytes are not protobuf: a length that leads past the end, an unknown wire type, an endless varint. */
export class MalformedProtobuf extends Error {
  override readonly name = "MalformedProtobuf";
}

/** The recursion limit of the common decoders. */
const MAX_DEPTH = 100;

/**
 * Walks the fields of one protobuf message in place. Opened anew for each message, so that a walk over millions
 * of items allocates nothing: one cursor for each level of nesting.
 */
export class FieldCursor {
  /** Number and wire type of the field that `next` stopped at. */
  field = 0;
  wire = 0;
  /** Where its payload begins and ends; for LEN fields without the length prefix, for groups with the end tag. */
  start = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #stop = 0;

  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#stop = end;
  }

  /** Steps to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#stop) return false;
    const tag = this.#varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    this.start = this.#at;
    this.#skip(tag, 0);
    this.end = this.#at;
    if (this.end > this.#stop) throw new MalformedProtobuf(`field ${this.field} leads past the end of its message`);
    return true;
  }

  #skip(tag: number, depth: number): void {
    switch (tag % 8) {
      case 0:
        this.#varint();
        return;
      case 1:
        this.#at += 8;
        return;
      case 2: {
        const length = this.#varint();
        if (depth === 0) this.start = this.#at;
        this.#at += length;
        return;
      }
      case 3:
        this.#skipGroup(Math.floor(tag / 8), depth + 1);
        return;
      case 5:
        this.#at += 4;
        return;
      default:
        throw new MalformedProtobuf(`wire type ${tag % 8} at byte ${this.#at}`);
    }
  }

  /** Groups are long out of use, and every decoder must still be able to pass over them. */
  #skipGroup(number: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new MalformedProtobuf(`groups nested deeper than ${MAX_DEPTH}`);
    while (this.#at < this.#stop) {
      const tag = this.#varint();
      if (tag === number * 8 + 4) return;
      this.#skip(tag, depth);
    }
    throw new MalformedProtobuf(`group ${number} has no end`);
  }

  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] ?? 0;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let factor = 0x80, count = 1; count < 10; count++, factor *= 0x80) {
      byte = bytes[this.#at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new MalformedProtobuf(`varint of more than ten bytes at byte ${this.#at}`);
  }
}
