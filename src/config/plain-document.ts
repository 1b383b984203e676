import { newPlace, type Place } from "./place.ts";

/**
 * Reads the plain part of YAML, and with it JSON, some twenty times as fast as the YAML library:
 * block mappings and lists, collections in braces on one line (or the whole document in them), and
 * texts on one line. Gives values without their places. Undefined for all else (anchors, tags,
 * block texts, tabs, a key given twice, whatever is wrong): then the library reads the document,
 * and says what is to be said of it.
 */
export function readPlain(text: string): PlainDocument | undefined {
  return NOT_PLAIN.test(text) ? undefined : new PlainReader(text).document();
}

/** Values, and where the entries of the list `rules` at the top are: `[start, .., end]`. */
export interface PlainDocument {
  readonly text: string;
  readonly root: unknown;
  /** It stands in braces, as JSON does. */
  readonly isFlow: boolean;
  readonly ruleStarts: readonly number[] | undefined;
}

/**
 * Control characters but for line ends, which may be those of Windows: tabs mean different things
 * in different places.
 */
export const NOT_PLAIN = /[\u0000-\u0009\u000B\u000C\u000E-\u001F\u007F-\u009F\uFEFF]|\r(?!\n)/u; // oxlint-disable-line no-control-regex -- these are meant

/** Below the library's reader's 64, so that it is the one who tells. */
const MAX_DEPTH = 60;
/** In the place of a column: where entries stand says nothing there. */
const IN_FLOW = -1;
/** Thrown where the document leaves what is plain; caught in `document`. */
class NotPlain extends Error {}

const SPACE = 0x20;
const LINE_FEED = 0x0a;
/** A line feed follows it. */
const CARRIAGE_RETURN = 0x0d;
const HASH = 0x23;
const DASH = 0x2d;

const DOUBLE_QUOTED = /"(?:[^"\\\r\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SINGLE_QUOTED = /'(?:[^'\r\n]|'')*'/y;
/** Up to a comment, or a colon that ends a key. */
const PLAIN = /(?:[A-Za-z0-9_.$/+^(\\]|-(?=[^\s]))(?:[^\r\n:# ]|:(?=[^\s])| +(?=[^\r\n:# ])| +:(?=[^\s])|#)*/y;
/** In braces and brackets. */
const PLAIN_IN_FLOW =
  /(?:[A-Za-z0-9_./+]|-(?=[A-Za-z0-9.]))(?:[^\r\n:# ,[\]{}]|:(?=[A-Za-z0-9/])| +(?=[A-Za-z0-9_./+*]))*/y;
const KEY = /(?:[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}|"[^"\\\r\n]{0,200}"|'[^'\r\n]{0,200}'):(?=[ \r\n]|$)/y;
const KEY_IN_FLOW = /(?:[A-Za-z0-9_][A-Za-z0-9_./-]{0,200}: |"[^"\\\r\n]{0,200}": ?|'[^'\r\n]{0,200}': )/y;
/** Of a document, where it is marked. */
const BEGINNING = /---(?=[ \r\n])/y;
const END_OF_LINE = / *(?:\r?\n|$)| +#[^\n]*(?:\n|$)/y;
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

/** Reads one text from its beginning to its end. */
export class PlainReader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  /** Collections in braces may go on in the next line: they are the whole document. */
  #isFlow = false;
  #ruleStarts: number[] | undefined;

  /** Of the value that is read, where places are asked for. */
  #place: Place | undefined;
  /** Entries of lists below rules by their text, for each column of their dashes. */
  readonly #entries = new Map<number, Map<string, unknown>>();

  constructor(text: string, place?: Place) {
    this.#text = text;
    this.#place = place;
  }

  document(): PlainDocument | undefined {
    try {
      const root = this.#root();
      return { text: this.#text, root, isFlow: this.#isFlow, ruleStarts: this.#ruleStarts };
    } catch (cause) {
      return notPlain(cause);
    }
  }

  /** Rules alone, with dashes at this column, or up to the bracket that ends their list. */
  entries(column: number | undefined): { readonly items: unknown[]; readonly starts: readonly number[] } | undefined {
    try {
      const items = column === undefined ? this.#flowEntries() : this.#blockEntries(column);
      return { items, starts: this.#ruleStarts?.slice(0, -1) ?? [] };
    } catch (cause) {
      return notPlain(cause);
    }
  }

  #blockEntries(column: number): unknown[] {
    this.#depth = 2;
    const indent = this.#nextLine();
    if (indent === -1) return [];
    if (indent !== column || !this.#isDash()) throw new NotPlain();
    const items = this.#list(column, "rules");
    if (this.#nextLine() !== -1) throw new NotPlain();
    return items;
  }

  #flowEntries(): unknown[] {
    this.#isFlow = true;
    this.#depth = 2;
    this.#skip();
    const items = this.#flowList("rules");
    if (this.#at !== this.#text.length - 1) throw new NotPlain();
    return items;
  }

  #root(): unknown {
    let indent = this.#nextLine();
    if (indent === 0 && this.#match(BEGINNING) !== undefined) {
      this.#endLine();
      indent = this.#nextLine();
    }
    if (indent !== 0) throw new NotPlain();
    const first = this.#text[this.#at];
    this.#isFlow = first === "{" || first === "[";
    const root = this.#isFlow ? this.#flow("") : this.#block(0, "");
    if (this.#isFlow) this.#endLine();
    if (this.#nextLine() !== -1) throw new NotPlain();
    return root;
  }

  /** Goes to the next line with something in it, past its spaces: how many, or -1 at the end. */
  #nextLine(): number {
    const text = this.#text;
    for (;;) {
      const start = this.#at;
      let at = start;
      while (text.charCodeAt(at) === SPACE) at++;
      this.#at = at;
      if (at >= text.length) return -1;
      const code = text.charCodeAt(at);
      if (code !== HASH && !isLineEnd(code)) return at - start;
      const end = text.indexOf("\n", at);
      this.#at = end === -1 ? text.length : end + 1;
    }
  }

  /** A mapping or a list whose first key or dash is at this column, where the reader is. */
  #block(column: number, key: string): unknown {
    if (++this.#depth > MAX_DEPTH) throw new NotPlain();
    this.#isHere();
    const value = this.#isDash() ? this.#list(column, key) : this.#mapping(column);
    this.#depth--;
    return value;
  }

  #isDash(): boolean {
    if (this.#text.charCodeAt(this.#at) !== DASH) return false;
    const after = this.#text.charCodeAt(this.#at + 1);
    return after === SPACE || isLineEnd(after) || this.#at + 1 === this.#text.length;
  }

  #list(column: number, key: string): unknown[] {
    const items: unknown[] = [];
    const starts: number[] | undefined = this.#depth === 2 && key === "rules" ? [] : undefined;
    for (;;) {
      starts?.push(this.#at - column);
      const dash = this.#at++;
      const item = this.#below(items.length, undefined, () => this.#entry(column));
      const start = this.#at;
      items.push(starts === undefined ? this.#same(item, dash, column) : item);
      const indent = this.#nextLine();
      if (indent === column && this.#isDash()) continue;
      if (indent > column || (indent === column && column === 0 && key === "")) throw new NotPlain();
      this.#at = start;
      starts?.push(start);
      if (starts !== undefined) this.#ruleStarts = starts;
      return starts === undefined ? items.slice() : items; // which has room for 17 otherwise
    }
  }

  /**
   * What was read from here on is one object where it is written the same: of 10,000 rules most
   * conditions are as others, and what is made of one is made of all of them.
   */
  #same(item: unknown, from: number, column: number): unknown {
    if (typeof item !== "object" || item === null || this.#depth < 3) return item;
    let known = this.#entries.get(column);
    if (known === undefined) this.#entries.set(column, (known = new Map()));
    const text = this.#text.slice(from, this.#at);
    const same = known.get(text);
    if (same === undefined) known.set(text, item);
    return same ?? item;
  }

  /** What `read` gives, with its place below the one of what it is in. */
  #below(key: string | number, keyAt: number | undefined, read: () => unknown): unknown {
    const above = this.#place;
    if (above === undefined) return read();
    this.#place = newPlace(this.#at, keyAt);
    above.children.set(key, this.#place);
    const value = read();
    this.#place = above;
    return value;
  }

  #isHere(): void {
    if (this.#place !== undefined) this.#place.valueAt = this.#at;
  }

  /** What follows a dash. */
  #entry(column: number): unknown {
    const dash = this.#at;
    let at = dash;
    while (this.#text.charCodeAt(at) === SPACE) at++;
    this.#at = at;
    if (this.#isDash() || this.#match(KEY) !== undefined) {
      this.#at = at;
      return this.#block(column + 1 + at - dash, "");
    }
    this.#at = dash;
    return this.#value(column, "");
  }

  #mapping(column: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (;;) {
      const keyAt = this.#at;
      const written = this.#match(KEY);
      if (written === undefined) throw new NotPlain();
      const key = keyIn(written.slice(0, -1));
      if (key === "__proto__" || Object.hasOwn(map, key)) throw new NotPlain();
      map[key] = this.#below(key, keyAt, () => this.#value(column, key));
      const start = this.#at;
      const indent = this.#nextLine();
      if (indent === column && !this.#isDash()) continue;
      if (indent >= column) throw new NotPlain();
      this.#at = start;
      return map;
    }
  }

  /** What follows a colon or a dash: on its line, or on lines below it. */
  #value(column: number, key: string): unknown {
    const after = this.#at;
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++;
    this.#isHere(); // also of nothing
    const spaces = this.#at;
    this.#at = after;
    if (this.#match(END_OF_LINE) === undefined) {
      this.#at = spaces;
      const value = this.#flow(key) ?? null;
      this.#endLine();
      return value;
    }
    const start = this.#at;
    const indent = this.#nextLine();
    if (indent > column || (key !== "" && indent === column && this.#isDash())) return this.#block(indent, key);
    this.#at = start;
    return null;
  }

  #endLine(): void {
    if (this.#match(END_OF_LINE) === undefined) throw new NotPlain();
  }

  /** A text, a word, a number, or a collection in braces. */
  #flow(key: string): unknown {
    this.#isHere();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#inBraces(() => this.#flowMapping());
      case "[":
        return this.#inBraces(() => this.#flowList(key));
      case '"': {
        const quoted = this.#match(DOUBLE_QUOTED) ?? fail();
        return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
      }
      case "'":
        return (this.#match(SINGLE_QUOTED) ?? fail()).slice(1, -1).replaceAll("''", "'");
      default: {
        const isFlow = this.#isFlow || this.#braces > 0;
        return scalarOf(this.#match(isFlow ? PLAIN_IN_FLOW : PLAIN) ?? fail());
      }
    }
  }

  #braces = 0;

  #inBraces<Value>(read: () => Value): Value {
    if (++this.#depth > MAX_DEPTH) throw new NotPlain();
    this.#braces++;
    this.#at++;
    this.#skip();
    const value = read();
    this.#at++;
    this.#braces--;
    this.#depth--;
    return value;
  }

  #flowMapping(): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    while (this.#text[this.#at] !== "}") {
      const keyAt = this.#at;
      const written = (this.#match(KEY_IN_FLOW) ?? fail()).trimEnd();
      const key = keyIn(written.slice(0, -1));
      if (key === "__proto__" || Object.hasOwn(map, key)) throw new NotPlain();
      map[key] = this.#below(key, keyAt, () => this.#flow(key));
      this.#separate("}");
    }
    return map;
  }

  #flowList(key: string): unknown[] {
    const items: unknown[] = [];
    const starts: number[] | undefined = this.#depth === 2 && this.#isFlow && key === "rules" ? [] : undefined;
    while (this.#text[this.#at] !== "]") {
      starts?.push(this.#at);
      const from = this.#at;
      const item = this.#below(items.length, undefined, () => this.#flow(""));
      items.push(starts === undefined ? this.#same(item, from, IN_FLOW) : item);
      this.#separate("]");
    }
    starts?.push(this.#at);
    if (starts !== undefined) this.#ruleStarts = starts;
    return starts === undefined ? items.slice() : items;
  }

  /** After an entry: a comma, or the end. */
  #separate(end: string): void {
    this.#skip();
    if (this.#text[this.#at] === end) return;
    if (this.#text[this.#at] !== ",") throw new NotPlain();
    const next = this.#text.charCodeAt(++this.#at);
    if (next !== SPACE && !isLineEnd(next) && !this.#isFlow) throw new NotPlain();
    this.#skip();
  }

  #skip(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code !== SPACE && !(this.#isFlow && isLineEnd(code))) return;
      this.#at++;
    }
  }

  /** What the pattern takes here, and goes past it. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return undefined;
    const start = this.#at;
    this.#at = pattern.lastIndex;
    return this.#text.slice(start, this.#at);
  }
}

/** Patterns need a stack, which a text of megabytes may use up. */
function notPlain(cause: unknown): undefined {
  if (!(cause instanceof NotPlain || cause instanceof RangeError)) throw cause;
}

function fail(): never {
  throw new NotPlain();
}

function isLineEnd(code: number): boolean {
  return code === LINE_FEED || code === CARRIAGE_RETURN;
}

function keyIn(written: string): string {
  const first = written[0];
  return first === '"' || first === "'" ? written.slice(1, -1) : written;
}

function scalarOf(written: string): unknown {
  const word = WORDS.get(written);
  if (word !== undefined) return word;
  const first = written.charCodeAt(0);
  if (first > 0x39) return written; // no digit, sign or dot
  if (WHOLE.test(written) || DECIMAL.test(written)) return Number(written);
  if (NUMERIC.test(written)) throw new NotPlain();
  return written;
}
