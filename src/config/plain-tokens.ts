/** What a plain document is made of: `PlainReader` puts it together. */

/** Control characters but for tabs and line ends, which may be those of Windows. */
export const NOT_PLAIN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFEFF]|\r(?!\n)/u; // oxlint-disable-line no-control-regex -- these are meant

export const SPACE = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
/** A line feed follows it. */
const CARRIAGE_RETURN = 0x0d;
export const HASH = 0x23;
export const DASH = 0x2d;

export const DOUBLE_QUOTED = /"(?:[^"\\\t\r\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
export const SINGLE_QUOTED = /'(?:[^'\t\r\n]|'')*'/y;
/** Up to a comment, or a colon that ends a key. */
export const PLAIN =
  /(?:[A-Za-z0-9_.$/+^(\\]|-(?=[^\s]))(?:[^\t\r\n:# ]|:(?=[^\s])| +(?=[^\t\r\n:# ])| +:(?=[^\s])|#)*/y;
/** In braces and brackets. */
export const PLAIN_IN_FLOW =
  /(?:[A-Za-z0-9_./+]|-(?=[A-Za-z0-9.]))(?:[^\t\r\n:# ,[\]{}]|:(?=[A-Za-z0-9/])| +(?=[A-Za-z0-9_./+*]))*/y;
export const KEY = /(?:[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}|"[^"\\\t\r\n]{0,200}"|'[^'\t\r\n]{0,200}'):(?=[ \r\n]|$)/y;
export const KEY_IN_FLOW = /(?:[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}: |"[^"\\\t\r\n]{0,200}": ?|'[^'\t\r\n]{0,200}': ?)/y;
/** Of a document, where it is marked. */
export const BEGINNING = /---(?=[ \r\n])/y;
export const END_OF_LINE = / *(?:\r?\n|$)| +#[^\n]*(?:\n|$)/y;
const WHOLE = /^-?\d{1,15}$/u;
const DECIMAL = /^-?\d{1,9}\.\d{1,9}$/u;
/** What the library reads as a number, however it is written. */
const NUMERIC =
  /^(?:[-+]?\d+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/u;
const WORDS = new Map<string, boolean | null>([
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

export function isLineEnd(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN;
}

/** Between what stands in braces that may go on in the next line. */
export function isGap(code: number): boolean {
  return code === SPACE || isLineEnd(code) || code === TAB;
}

/** What a key says, in quotes or without. */
export function keyIn(written: string): string {
  const first = written[0];
  return first === '"' || first === "'" ? written.slice(1, -1) : written;
}

/** Of a text without quotes; undefined for a number that is written in another way. */
export function scalarOf(written: string): unknown {
  const word = WORDS.get(written);
  if (word !== undefined) return word;
  const first = written.charCodeAt(0);
  if (first > 0x39) return written; // no digit, sign or dot
  if (WHOLE.test(written) || DECIMAL.test(written)) return Number(written);
  return NUMERIC.test(written) ? undefined : written;
}
