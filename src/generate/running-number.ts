/**
 * How a generated item says which one it is: eight bytes that are a valid span id and hold a source and a running number.
 * Spans and log records carry them as their span id, metrics as 16 hex digits in the attribute SEQUENCE_KEY of a data point.
 */
export const NUMBER_BYTES = 8;

/** Attribute of a metric's first data point that holds its running number. */
export const SEQUENCE_KEY = "sequence";

/** Tells generated ids from those of real senders: bytes 2 and 3. */
const MARK = 0x5b0c;

/** Who generated an item (1 to 65,535), and the how-manieth of that source it is (0 to 2^32 - 1). */
export interface RunningNumber {
  readonly source: number;
  readonly number: number;
}

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
