/**
 * Thresholds and randomness of OpenTelemetry's consistent probability sampling: 56 bits each, as
 * their upper 24 and lower 32, because a double holds 53. An item is kept iff R >= T.
 */
export interface Bits56 {
  readonly hi: number;
  readonly lo: number;
}

export interface Threshold extends Bits56 {
  /** As `th` has it; empty for the one that keeps nothing, which cannot be written. */
  readonly text: string;
}

export const KEEPS_ALL: Threshold = { hi: 0, lo: 0, text: "0" };
/** One above all randomness. */
export const KEEPS_NONE: Threshold = { hi: 0x100_0000, lo: 0, text: "" };

/** Significant digits, beside those that all thresholds near 1 begin with: the SDKs' default. */
const PRECISION = 4;

const DIGITS = 14;
const ALL = 1n << 56n;

/** Rejects a share of 1 - probability: round((1 - p) 2^56), to so many digits and leading f's. */
export function thresholdOf(probability: number, precision: number = PRECISION): Threshold {
  if (probability >= 1) return KEEPS_ALL;
  const kept = probability > 0 ? BigInt(Math.round(probability * 2 ** 56)) : 0n;
  if (kept === 0n) return KEEPS_NONE;
  const exact = ALL - kept;
  const leading = /^f*/u.exec(hexOf(exact))?.[0].length ?? 0;
  const unit = 16n ** BigInt(Math.max(0, DIGITS - precision - leading));
  return written(((exact + unit / 2n) / unit) * unit);
}

/** The share that a threshold keeps: exact to a double. */
export function probabilityOf(hi: number, lo: number): number {
  return ((0x100_0000 - hi) * 0x1_0000_0000 - lo) / 2 ** 56;
}

function written(value: bigint): Threshold {
  const text = hexOf(value).replace(/0+$/u, "");
  return { hi: Number(value >> 32n), lo: Number(value & 0xffff_ffffn), text: text === "" ? "0" : text };
}

/** With its leading zeros: 8000000000000 and 08000000000000 are not the same threshold. */
function hexOf(value: bigint): string {
  return value.toString(16).padStart(DIGITS, "0");
}

/** Reads hexadecimal digits into two numbers; one is used again and again. */
export class HexReader {
  hi = 0;
  lo = 0;

  /** A `th`: 1 to 14 lower-case digits, zeros after them. False when it is none. */
  readThreshold(bytes: Uint8Array, start: number, end: number): boolean {
    return end > start && end - start <= DIGITS && this.#read(bytes, start, end);
  }

  /** An `rv`: exactly 14 lower-case digits. */
  readRandomness(bytes: Uint8Array, start: number, end: number): boolean {
    return end - start === DIGITS && this.#read(bytes, start, end);
  }

  #read(bytes: Uint8Array, start: number, end: number): boolean {
    let hi = 0;
    let lo = 0;
    for (let i = 0; i < DIGITS; i++) {
      const digit = start + i < end ? digitOf(bytes[start + i]!) : 0;
      if (digit < 0) return false;
      if (i < 6) hi = hi * 16 + digit;
      else lo = lo * 16 + digit;
    }
    this.hi = hi;
    this.lo = lo;
    return true;
  }
}

function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x57 : -1;
}

/** Writes 14 digits and returns the place after them. */
export function writeRandomness(hi: number, lo: number, into: Uint8Array, at: number): number {
  for (let i = 0; i < DIGITS; i++) {
    const digit = i < 6 ? (hi >>> (20 - 4 * i)) & 15 : (lo >>> (52 - 4 * i)) & 15;
    into[at++] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
  return at;
}
