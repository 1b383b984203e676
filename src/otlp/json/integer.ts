/**
 * What stands before the text of a number that a double does not hold (read-json.ts). One for the
 * text that was read last.
 */
let markCode = Number.NaN;

/** Says which character marks numbers in what is read next; an empty text: none does. */
export function markNumbersBy(mark: string): void {
  markCode = mark.charCodeAt(0);
}

/**
 * Whether a text stood in the JSON as a number; without its first character it is what stood there.
 */
export function isMarked(text: string): boolean {
  return text.charCodeAt(0) === markCode;
}

/**
 * The integer that a JSON value stands for, exactly: a number when it is safe, else a bigint.
 * Proto3 JSON takes numbers and their texts, and any spelling of an integer (`1e3`, `"1.0"`).
 * Undefined when the value is none, or beyond 10^30.
 */
export function integerOf(value: unknown): number | bigint | undefined {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value;
    // The shortest text of a double is what its sender wrote, up to 15 digits; longer ones come
    // marked (read-json.ts).
    return Number.isInteger(value) ? exactInteger(String(value)) : undefined;
  }
  if (typeof value !== "string") return undefined;
  if (isMarked(value)) return exactInteger(value.slice(1));
  if (value.length <= 20 && PLAIN.test(value)) return value.length <= 15 ? Number(value) : narrow(BigInt(value));
  return exactInteger(value);
}

/**
 * The integer that the text of a JSON number spells; undefined when it has a fraction or is beyond
 * 10^30.
 */
function exactInteger(text: string): number | bigint | undefined {
  const parts = text.length <= MAX_TEXT ? NUMBER.exec(text) : null;
  if (parts === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = parts;
  const all = whole + fraction;
  const significant = all.replace(/0+$/u, "");
  if (significant === "") return 0;
  const zeros = Number(exponent) - fraction.length + (all.length - significant.length);
  if (zeros < 0 || significant.length + zeros > MAX_DIGITS) return undefined;
  return narrow(BigInt(sign + significant + "0".repeat(zeros)));
}

const PLAIN = /^-?\d+$/u;
const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/u;
/** Bounds the work on one number; no 64-bit integer needs more. */
const MAX_TEXT = 128;
const MAX_DIGITS = 30;

function narrow(value: bigint): number | bigint {
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}
