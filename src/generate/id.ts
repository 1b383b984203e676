import { NUMBER_BYTES, writeRunningNumber } from "./running-number.ts";

export const TRACE_ID_BYTES = 16;

/**
 * Writes the id of the trace whose first item has this running number: the number itself, then eight bytes that are
 * spread evenly, because samplers take their randomness from the end of the trace id.
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

export function spanIdText(source: number, number: number): string {
  const bytes = new Uint8Array(NUMBER_BYTES);
  writeRunningNumber(bytes, 0, source, number);
  return hex(bytes);
}

export function traceIdText(source: number, number: number): string {
  const bytes = new Uint8Array(TRACE_ID_BYTES);
  writeTraceId(bytes, 0, source, number);
  return hex(bytes);
}

function hex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += byte.toString(16).padStart(2, "0");
  return out;
}

/** The finaliser of MurmurHash3: a bijection, so different numbers stay different. */
function mix(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
