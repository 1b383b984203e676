/** Where the reading of a JSON text is. Its bytes are valid UTF-8; none become an object. */
export class JsonCursor {
  bytes: Uint8Array = NOTHING;
  /** Next byte to read. Invariant: 0 <= at <= end. */
  at = 0;
  end = 0;
  /** Objects and lists that may still begin, and names that are passed over. */
  objects = 0;
  names = 0;

  begin(bytes: Uint8Array, objects: number, names: number): void {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.objects = objects;
    this.names = names;
  }

  /** The next byte that is no white space, which it stands at then; -1 at the end. */
  peek(): number {
    const { bytes, end } = this;
    let at = this.at;
    while (at < end) {
      const byte = bytes[at]!;
      if (byte > SPACE || !isSpace(byte)) {
        this.at = at;
        return byte;
      }
      at++;
    }
    this.at = at;
    return -1;
  }

  /** Takes the next byte that is no white space, if it is this one. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  /** Takes a text of these bytes, with its quotes, that begins here. */
  takeText(text: Uint8Array): boolean {
    const { bytes, at } = this;
    const { length } = text;
    if (at + length + 2 > this.end || bytes[at + length + 1] !== QUOTE) return false;
    for (let i = 0; i < length; i++) if (bytes[at + 1 + i] !== text[i]) return false;
    this.at = at + length + 2;
    return true;
  }

  /**
   * Where the text that begins here ends, at its closing quote; -1: it has an escape, or is no
   * text.
   */
  plainEnd(): number {
    const { bytes, end } = this;
    let at = this.at + 1;
    while (at < end && SPECIAL[bytes[at]!] === 0) at++;
    return at < end && bytes[at] === QUOTE ? at : -1;
  }

  /** Takes the letters that begin here. */
  takeWord(word: Uint8Array): boolean {
    const { bytes, at } = this;
    if (at + word.length > this.end) return false;
    for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word[i]) return false;
    this.at = at + word.length;
    return true;
  }

  /** Takes a name that nobody asks for and its value, not nested deeper than that. */
  skipMember(depth: number): boolean {
    return --this.names >= 0 && this.#skipText() && this.take(COLON) && this.skipValue(depth);
  }

  /** Takes a whole value, of any kind. False where it is malformed, or nested deeper than that. */
  skipValue(depth: number): boolean {
    switch (this.peek()) {
      case QUOTE:
        return this.#skipText();
      case OPEN_OBJECT:
      case OPEN_LIST:
        return this.#skipNested(depth);
      case 0x74:
        return this.takeWord(TRUE);
      case 0x66:
        return this.takeWord(FALSE);
      case 0x6e:
        return this.takeWord(NULL);
      default:
        return this.skipNumber() >= 0;
    }
  }

  /** Takes a number as JSON spells it; gives where it began, or -1. */
  skipNumber(): number {
    const start = this.at;
    let at = this.bytes[start] === MINUS ? start + 1 : start;
    const whole = at;
    at = this.#digitsFrom(at);
    if (at === whole || (at > whole + 1 && this.bytes[whole] === ZERO)) return -1;
    if (this.bytes[at] === POINT) {
      const fraction = at + 1;
      at = this.#digitsFrom(fraction);
      if (at === fraction) return -1;
    }
    if ((this.bytes[at]! | 0x20) === 0x65 && at < this.end) {
      at++;
      if (this.bytes[at] === MINUS || this.bytes[at] === PLUS) at++;
      const exponent = at;
      at = this.#digitsFrom(exponent);
      if (at === exponent) return -1;
    }
    this.at = at;
    return start;
  }

  #digitsFrom(start: number): number {
    let at = start;
    while (at < this.end && isDigit(this.bytes[at]!)) at++;
    return at;
  }

  #skipText(): boolean {
    const { bytes, end } = this;
    let at = this.at + 1;
    for (;;) {
      while (at < end && SPECIAL[bytes[at]!] === 0) at++;
      if (at >= end) return false;
      if (bytes[at] === QUOTE) break;
      if (bytes[at] !== BACKSLASH) return false;
      const length = escapeLength(bytes, at, end);
      if (length === 0) return false;
      at += length;
    }
    this.at = at + 1;
    return true;
  }

  #skipNested(depth: number): boolean {
    const isList = this.bytes[this.at++] === OPEN_LIST;
    const close = isList ? CLOSE_LIST : CLOSE_OBJECT;
    if (depth <= 0 || --this.objects < 0) return false;
    if (this.take(close)) return true;
    do {
      const done = isList ? this.skipValue(depth - 1) : this.peek() === QUOTE && this.skipMember(depth - 1);
      if (!done) return false;
    } while (this.take(COMMA));
    return this.take(close);
  }
}

const NOTHING = new Uint8Array(0);
const SPACE = 0x20;
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;
export const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;

export const TRUE: Uint8Array = letters("true");
export const FALSE: Uint8Array = letters("false");
export const NULL: Uint8Array = letters("null");

function letters(word: string): Uint8Array {
  return Uint8Array.from(word, (letter) => letter.charCodeAt(0));
}

/** 1: a byte that no text has as it is, or that ends it, or begins an escape. */
export const SPECIAL: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);

/** By the byte after the backslash: what it stands for, or 0. */
export const ESCAPED: Uint8Array = new Uint8Array(256);
for (const [letter, byte] of [
  ['"', 0x22],
  ["\\", 0x5c],
  ["/", 0x2f],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
] as const) {
  ESCAPED[letter.charCodeAt(0)] = byte;
}

/** Of the escape that begins there; 0: it is none. */
function escapeLength(bytes: Uint8Array, at: number, end: number): number {
  const letter = at + 1 < end ? bytes[at + 1]! : 0;
  if (ESCAPED[letter] !== 0) return 2;
  return letter === 0x75 && unitAt(bytes, at, end) >= 0 ? 6 : 0;
}

/** What `\u` and four digits at `at` stand for; -1: there are none. */
export function unitAt(bytes: Uint8Array, at: number, end: number): number {
  if (at + 6 > end || bytes[at] !== BACKSLASH || bytes[at + 1] !== 0x75) return -1;
  const digits =
    (HEX[bytes[at + 2]!]! << 12) | (HEX[bytes[at + 3]!]! << 8) | (HEX[bytes[at + 4]!]! << 4) | HEX[bytes[at + 5]!]!;
  return digits < 0 ? -1 : digits;
}

/** By a byte: what it is worth as a hex digit; -1: it is none. */
export const HEX: Int8Array = Int8Array.from({ length: 256 }, (_, byte) =>
  "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase()),
);

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
