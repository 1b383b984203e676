/**
 * How a generated item says which one it is: eight bytes that are a valid span id and hold a source
 * and a running number. Spans and log records carry them as their span id, metrics as 16 hex digits
 * in the attribute SEQUENCE_KEY of a data point.
 */
export const NUMBER_BYTES = 8;

/** Attribute of a metric's first data point that holds its running number. */
export const SEQUENCE_KEY = "sequence";

/** Tells generated ids from those of real senders: bytes 2 and 3. */
const MARK = 0x5b0c;

/**
 * `source` tells who generated the item (1 to 65,535), `number` the how-manieth of that source it
 * is (0 to 2^32 - 1).
 */
export function writeRunningNumber(bytes: Uint8Array, at: number, source: number, number: number): void {
  bytes[at] = source >>> 8;
  bytes[at + 1] = source;
  bytes[at + 2] = MARK >>> 8;
  bytes[at + 3] = MARK & 0xff;
  bytes[at + 4] = number >>> 24;
  bytes[at + 5] = number >>> 16;
  bytes[at + 6] = number >>> 8;
  bytes[at + 7] = number;
}

/** The source, or 0 when the bytes were not written by `writeRunningNumber`. */
export function sourceAt(bytes: Uint8Array, at: number): number {
  if (bytes[at + 2] !== MARK >>> 8 || bytes[at + 3] !== (MARK & 0xff)) return 0;
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function numberAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!) >>> 0;
}

export const TRACE_ID_BYTES = 16;

/**
 * Writes the id of the trace whose first item has this running number: the number itself, then
 * eight bytes that are spread evenly, because samplers take their randomness from the end of the
 * trace id.
 */
export function writeTraceId(bytes: Uint8Array, at: number, source: number, number: number): void {
  writeRunningNumber(bytes, at, source, number);
  const high = mix(number ^ Math.imul(source, 0x9e3779b1));
  const low = mix(high + 0x6d2b79f5);
  bytes[at + 8] = high >>> 24;
  bytes[at + 9] = high >>> 16;
  bytes[at + 10] = high >>> 8;
  bytes[at + 11] = high;
  bytes[at + 12] = low >>> 24;
  bytes[at + 13] = low >>> 16;
  bytes[at + 14] = low >>> 8;
  bytes[at + 15] = low;
}

/** The finaliser of MurmurHash3: a bijection, so different numbers stay different. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
