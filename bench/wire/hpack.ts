/**
 * Just enough HPACK (RFC 7541) for a load generator and a sink: blocks that are the same for every
 * call are written as grpc clients and servers write them (put into the dynamic table once, two
 * bytes afterwards), and replies are only asked for `:status` and `grpc-status`.
 */

export interface Field {
  readonly name: string;
  readonly value: string;
  /** Index of name and value in the static table, when both are there. */
  readonly index?: number;
  /** Index of the name in the static table. */
  readonly nameIndex?: number;
}

/** A block for the first call on a connection, and the one for all others. */
export interface Blocks {
  readonly first: Buffer;
  readonly next: Buffer;
}

/**
 * Both blocks for the same fields. Not `indexed`: nothing is put into the peer's table, and they
 * are the same. `later`: how many fields of other blocks come into the table after these.
 */
export function encodeBlocks(fields: readonly Field[], indexed: boolean, later = 0): Blocks {
  const added = indexed ? fields.filter((field) => field.index === undefined).length : 0;
  let seen = 0;
  const first: number[] = [];
  const next: number[] = [];
  for (const field of fields) {
    if (field.index !== undefined) {
      first.push(0x80 | field.index);
      next.push(0x80 | field.index);
      continue;
    }
    seen++;
    // The newest entry of the dynamic table has index 62.
    if (indexed) next.push(0x80 | (62 + later + added - seen));
    else next.push(...literal(field, 0x00, 4));
    first.push(...(indexed ? literal(field, 0x40, 6) : literal(field, 0x00, 4)));
  }
  return { first: Buffer.from(first), next: Buffer.from(next) };
}

export interface ReplyStatus {
  /** undefined when the block has none. */
  readonly httpStatus: number | undefined;
  readonly grpcStatus: number | undefined;
}

/**
 * Reads the two statuses of reply blocks. Only valid when the peer was told to use no dynamic
 * table; equal blocks are answered from memory, of which there are few.
 */
export class ReplyReader {
  readonly #known = new Map<string, ReplyStatus>();

  read(block: Buffer): ReplyStatus {
    const key = block.toString("latin1");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const status = readStatuses(block);
    if (this.#known.size < 1_000) this.#known.set(key, status);
    return status;
  }
}

function literal(field: Field, pattern: number, prefixBits: number): number[] {
  const name = Buffer.from(field.name);
  const value = Buffer.from(field.value);
  const head =
    field.nameIndex === undefined
      ? [pattern, ...integer(name.length, 0, 7), ...name]
      : integer(field.nameIndex, pattern, prefixBits);
  return [...head, ...integer(value.length, 0, 7), ...value];
}

function integer(value: number, pattern: number, prefixBits: number): number[] {
  const max = 2 ** prefixBits - 1;
  if (value < max) return [pattern | value];
  const out = [pattern | max];
  let rest = value - max;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...out, rest];
}

/** `:status` in the static table, RFC 7541 appendix A. */
const STATIC_STATUS: Readonly<Record<number, number>> = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 };

/** What stands for `grpc-status` in a literal name, plain and Huffman-coded. */
const GRPC_STATUS = Buffer.from("grpc-status");
const GRPC_STATUS_HUFFMAN = Buffer.from("9acac8b21234da8f", "hex");

function readStatuses(block: Buffer): ReplyStatus {
  let httpStatus: number | undefined;
  let grpcStatus: number | undefined;
  const reader = new BlockReader(block);
  while (!reader.done) {
    const byte = block[reader.at]!;
    if (byte >= 0x80) {
      const index = reader.integer(7);
      if (index > 61) throw new Error("the peer uses a dynamic table although it was told to use none");
      httpStatus = STATIC_STATUS[index] ?? httpStatus;
    } else if (byte >= 0x20 && byte < 0x40) {
      reader.integer(5); // dynamic table size update
    } else {
      const index = reader.integer(byte >= 0x40 ? 6 : 4);
      const name = index === 0 ? reader.text() : undefined;
      const value = reader.text();
      if (index >= 8 && index <= 14) httpStatus = digits(value);
      if (name !== undefined && isGrpcStatus(name)) grpcStatus = digits(value);
    }
  }
  return { httpStatus, grpcStatus };
}

interface HpackText {
  readonly bytes: Buffer;
  readonly huffman: boolean;
}

class BlockReader {
  at = 0;
  readonly #block: Buffer;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get done(): boolean {
    return this.at >= this.#block.length;
  }

  integer(prefixBits: number): number {
    const max = 2 ** prefixBits - 1;
    let value = this.#block[this.at++]! & max;
    if (value < max) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#block[this.at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  text(): HpackText {
    const huffman = (this.#block[this.at]! & 0x80) !== 0;
    const length = this.integer(7);
    const bytes = this.#block.subarray(this.at, this.at + length);
    this.at += length;
    return { bytes, huffman };
  }
}

function isGrpcStatus({ bytes, huffman }: HpackText): boolean {
  return bytes.equals(huffman ? GRPC_STATUS_HUFFMAN : GRPC_STATUS);
}

/**
 * A number of decimal digits. In the Huffman code 0 to 2 have five bits (00000 to 00010), 3 to 9
 * six (011001 to 011111).
 */
function digits({ bytes, huffman }: HpackText): number {
  if (!huffman) return Number(bytes.toString("latin1"));
  let bits = "";
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
  let value = 0;
  while (bits.length >= 5) {
    const short = Number.parseInt(bits.slice(0, 5), 2);
    if (short <= 2) {
      value = value * 10 + short;
      bits = bits.slice(5);
      continue;
    }
    const long = Number.parseInt(bits.slice(0, 6), 2);
    if (bits.length < 6 || long < 0x19 || long > 0x1f) break; // the padding of ones
    value = value * 10 + long - 0x16;
    bits = bits.slice(6);
  }
  return value;
}
