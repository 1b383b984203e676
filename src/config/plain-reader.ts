import type { PlainDocument, PlainEntries } from "./parsed-document.ts";
import { newPlace, type Place, placeFrom } from "./place.ts";
import {
  BEGINNING,
  DASH,
  DOUBLE_QUOTED,
  END_OF_LINE,
  HASH,
  isGap,
  isLineEnd,
  KEY,
  KEY_IN_FLOW,
  keyIn,
  PLAIN,
  PLAIN_IN_FLOW,
  scalarOf,
  SINGLE_QUOTED,
  SPACE,
} from "./plain-tokens.ts";
import { readEntry } from "./yaml-document.ts";

/** Below the library's reader's 64, so that it is the one who tells. */
const MAX_DEPTH = 60;
/** In the place of a column: where entries stand says nothing there. */
const IN_FLOW = -1;
/** One that is refused, and one that merges, in quotes, too. */
const ODD_KEYS: ReadonlySet<string> = new Set(["__proto__", "<<"]);
/** Thrown where the document leaves what is plain; caught in `document`. */
class NotPlain extends Error {}

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
  entries(column: number | undefined): PlainEntries | undefined {
    try {
      const items = column === undefined ? this.#flowEntries() : this.#blockEntries(column);
      return { items, starts: this.#ruleStarts?.slice(0, -1) ?? [], end: this.#ruleStarts?.at(-1) };
    } catch (cause) {
      return notPlain(cause);
    }
  }

  /** Where the first thing stands that is not plain, when there is one. */
  get stopped(): { readonly at: number; readonly isFlow: boolean } {
    return { at: this.#at, isFlow: this.#isFlow };
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
      const item = this.#below(items.length, undefined, () =>
        starts === undefined ? this.#entry(column) : this.#part(0, column, () => this.#entry(column)),
      );
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

  /**
   * What `read` gives: a rule, or the value of a key at the top. Where it is not plain the library
   * reads its lines, which say the same by themselves.
   */
  #part(key: string | number, column: number, read: () => unknown): unknown {
    const place = this.#place;
    const start = this.#at;
    try {
      const value = read();
      const end = this.#at;
      if (this.#nextLine() > column) throw new NotPlain(); // more of a text
      this.#at = end;
      return value;
    } catch (cause) {
      if (!(cause instanceof NotPlain)) throw cause;
      const from = this.#text.lastIndexOf("\n", start - 1) + 1;
      const end = this.#endOfLines(start, column, key);
      const entry = readEntry(this.#text.slice(from, end), key);
      if (entry.kind === "other") {
        this.#at = from + entry.at;
        throw cause;
      }
      this.#depth = key === 0 ? 2 : 1;
      this.#braces = 0;
      this.#at = end;
      this.#place = place;
      if (place !== undefined) placeFrom(place, entry.place, from);
      return entry.value;
    }
  }

  /** Where the next line begins that is no comment and in no deeper column. */
  #endOfLines(from: number, column: number, key: string | number): number {
    this.#at = from;
    for (;;) {
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end === -1 ? this.#text.length : end + 1;
      const indent = this.#nextLine();
      if (indent > column || (indent === column && key !== 0 && this.#isDash())) continue;
      return indent === -1 ? this.#at : this.#at - indent;
    }
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
      if (ODD_KEYS.has(key) || Object.hasOwn(map, key)) throw new NotPlain();
      const isSection = this.#depth === 1 && column === 0 && key !== "rules";
      map[key] = this.#below(key, keyAt, () =>
        isSection ? this.#part(key, column, () => this.#value(column, key)) : this.#value(column, key),
      );
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
        const scalar = scalarOf(this.#match(isFlow ? PLAIN_IN_FLOW : PLAIN) ?? fail());
        return scalar === undefined ? fail() : scalar;
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
      if (ODD_KEYS.has(key) || Object.hasOwn(map, key)) throw new NotPlain();
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
    this.#at++;
    this.#skip();
  }

  #skip(): void {
    const text = this.#text;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (!(this.#isFlow ? isGap(code) : code === SPACE)) return;
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
