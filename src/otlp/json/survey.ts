import { textOwned } from "../../core/bytes.ts";
import type { Excess, RequestLimits } from "../limits.ts";

/**
 * A JSON text before it is parsed. Parsing makes objects, of which a byte of text becomes dozens in
 * memory; so what a text holds is counted here, where it costs a step a byte and no memory.
 */
interface Survey {
  /** How deep arrays and objects nest. */
  readonly depth: number;
  /** Numbers that could lose digits of an integer, as pairs of start and end. */
  readonly longNumbers: readonly number[];
  /** What there is too much of. The survey ends where that is found. */
  readonly excess: Excess | undefined;
}

/**
 * The limit of messages is 100 (transcode.ts); an array within a value takes three levels of JSON
 * and two of messages.
 */
export const MAX_DEPTH = 500;
/**
 * Objects and arrays may be so many, and one more for every so many bytes: the shortest that says
 * anything, `{"intValue":1},`, has
 * 15. An object takes 56 bytes or more in memory, and parsing it 0.2 µs.
 */
const FREE_OBJECTS = 65_536;
const BYTES_AN_OBJECT = 12;
/**
 * Different names in one text. OTLP has about 110; the engine keeps each for long, and parsing a
 * new one takes 1 µs.
 */
const MAX_NAMES = 1_024;
/** Names that were made to meet in one place of the table are too many before they cost much. */
const MAX_PROBES = 64;
/** Numbers of up to 15 digits survive a double. */
const LONG_DIGITS = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** So many objects and arrays may be in a text of that length. */
export function objectsOf(bytes: number): number {
  return FREE_OBJECTS + Math.floor(bytes / BYTES_AN_OBJECT);
}

export function surveyJson(body: Uint8Array, limits: RequestLimits): Survey {
  surveyor.begin(body, limits);
  surveyor.run();
  const { deepest, longNumbers, excess } = surveyor;
  surveyor.begin(NOTHING, limits);
  return { depth: deepest, longNumbers, excess };
}

const NOTHING = new Uint8Array(0);

/**
 * What the elements of a list count as, by the list's name. Elements of other lists cost little: a
 * number, or an object.
 */
export const KINDS = ["resources", "scopes", "items", "points", "attributes"] as const satisfies readonly Excess[];
const OTHER = KINDS.length;
/** The level of an object. */
const NO_LIST = OTHER + 1;

const LISTS_OF_KINDS: readonly (readonly string[])[] = [
  ["resourceSpans", "resourceMetrics", "resourceLogs"],
  ["scopeSpans", "scopeMetrics", "scopeLogs"],
  ["spans", "metrics", "logRecords"],
  ["dataPoints"],
  ["attributes", "filteredAttributes", "metadata", "values", "events", "links", "exemplars", "quantileValues"],
];

/** Places in KINDS, by the name of the list. */
export const KINDS_OF_LISTS: ReadonlyMap<string, number> = new Map(
  LISTS_OF_KINDS.flatMap((names, kind) => names.map((name) => [name, kind] as const)),
);

const LISTS = [...KINDS_OF_LISTS].map(([name, kind]) => ({ name: textOwned(name), kind }));

/** One for all texts: a survey is over before another one begins. */
class Surveyor {
  deepest = 0;
  longNumbers: number[] = [];
  excess: Excess | undefined = undefined;
  #body: Uint8Array = NOTHING;
  #level = 0;
  /** By level: what the elements of the list there count as. */
  readonly #kinds = new Uint8Array(MAX_DEPTH + 2);
  /** What may still come, by kind. */
  readonly #left = new Int32Array(NO_LIST + 1);
  #objects = 0;
  readonly #names = new NameSet();
  /** The last text. */
  #textStart = 0;
  #textEnd = 0;

  begin(body: Uint8Array, limits: RequestLimits): void {
    this.#body = body;
    this.deepest = this.#level = 0;
    this.longNumbers = [];
    this.excess = undefined;
    this.#textStart = this.#textEnd = 0;
    this.#left[0] = limits.maxResources;
    this.#left[1] = limits.maxScopes;
    this.#left[2] = limits.maxItems;
    this.#left[3] = limits.maxPoints;
    this.#left[4] = limits.maxAttributes;
    this.#left[OTHER] = this.#left[NO_LIST] = 0x7fff_ffff;
    this.#kinds[0] = NO_LIST;
    this.#objects = objectsOf(body.length);
    this.#names.clear();
  }

  run(): void {
    const body = this.#body;
    const { length } = body;
    /** The last byte that was neither space nor within a text. */
    let last = 0;
    for (let i = 0; i < length; i++) {
      const byte = body[i]!;
      if (byte <= 0x20) continue;
      if (byte === QUOTE) {
        this.#textStart = i + 1;
        i = this.#textEnd = endOfText(body, i + 1);
      } else if (byte === COMMA) {
        if (!this.#counts(this.#kinds[this.#level]!)) return;
      } else if (byte === COLON) {
        if (last === QUOTE && !this.#name()) return;
      } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
        if (!this.#opens(byte === OPEN_LIST, last)) return;
      } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
        if (last !== OPEN_LIST && !this.#counts(this.#kinds[this.#level]!)) return;
        if (this.#level > 0) this.#level--;
      } else if (isDigit(byte)) {
        const end = endOfNumber(body, i);
        if (end - i >= LONG_DIGITS && maybeInteger(body, i, end)) {
          this.longNumbers.push(body[i - 1] === MINUS ? i - 1 : i, end);
        }
        i = end - 1;
      }
      last = byte;
    }
  }

  #counts(kind: number): boolean {
    if (--this.#left[kind]! >= 0) return true;
    this.excess = KINDS[kind];
    return false;
  }

  #opens(isList: boolean, last: number): boolean {
    if (--this.#objects < 0) {
      this.excess = "json_objects";
      return false;
    }
    const kind = isList ? (last === COLON ? this.#kindOfList() : OTHER) : NO_LIST;
    if (++this.#level > this.deepest) this.deepest = this.#level;
    if (this.#level > MAX_DEPTH) return false;
    this.#kinds[this.#level] = kind;
    return true;
  }

  /** By the name before it. */
  #kindOfList(): number {
    for (const { name, kind } of LISTS) {
      if (isText(this.#body, this.#textStart, this.#textEnd, name)) return kind;
    }
    return OTHER;
  }

  #name(): boolean {
    if (this.#names.add(this.#body, this.#textStart, this.#textEnd)) return true;
    this.excess = "json_names";
    return false;
  }
}

/** Names as ranges of one text: open addressing, and stamps instead of clearing. */
class NameSet {
  readonly #stamps = new Uint32Array(4 * MAX_NAMES);
  readonly #starts = new Int32Array(4 * MAX_NAMES);
  readonly #ends = new Int32Array(4 * MAX_NAMES);
  #stamp = 0;
  #size = 0;

  clear(): void {
    this.#size = 0;
    this.#stamp = (this.#stamp + 1) >>> 0;
    if (this.#stamp !== 0) return;
    this.#stamps.fill(0);
    this.#stamp = 1;
  }

  /** False: there are too many different ones. */
  add(body: Uint8Array, start: number, end: number): boolean {
    let slot = hashOf(body, start, end) & (4 * MAX_NAMES - 1);
    let probes = 0;
    while (this.#stamps[slot] === this.#stamp) {
      if (isSame(body, this.#starts[slot]!, this.#ends[slot]!, start, end)) return true;
      if (++probes === MAX_PROBES) return false;
      slot = (slot + 1) & (4 * MAX_NAMES - 1);
    }
    if (this.#size === MAX_NAMES) return false;
    this.#size++;
    this.#stamps[slot] = this.#stamp;
    this.#starts[slot] = start;
    this.#ends[slot] = end;
    return true;
  }
}

const surveyor = new Surveyor();

function hashOf(body: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ body[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function isSame(body: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let i = 0; i < end - start; i++) if (body[start + i] !== body[otherStart + i]) return false;
  return true;
}

function isText(body: Uint8Array, start: number, end: number, want: Uint8Array): boolean {
  if (end - start !== want.length) return false;
  for (let i = 0; i < want.length; i++) if (body[start + i] !== want[i]) return false;
  return true;
}

/** The closing quote of the text that starts at `start`; the end of the body when there is none. */
function endOfText(body: Uint8Array, start: number): number {
  let at = start;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, body.length);
}

function endOfNumber(body: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < body.length && isNumberByte(body[at]!)) at++;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** A digit, or one of `.`, `e`, `E`, `+`, `-`. */
function isNumberByte(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === 0x2d
  );
}

/** False for a plain fraction such as 0.30000000000000004, which metrics are full of. */
function maybeInteger(body: Uint8Array, start: number, end: number): boolean {
  let whole = 0;
  while (start + whole < end && isDigit(body[start + whole]!)) whole++;
  if (whole >= LONG_DIGITS) return true;
  for (let at = start; at < end; at++) if (body[at] === 0x65 || body[at] === 0x45) return true;
  return false;
}
