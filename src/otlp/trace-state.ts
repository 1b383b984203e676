import { HexReader, writeRandomness } from "./threshold.ts";

const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const COLON = 0x3a;
const [O, T, H, R, V] = [0x6f, 0x74, 0x68, 0x72, 0x76] as const;
/** OpenTelemetry's own bound of its value; W3C's of members. */
const MAX_VALUE = 256;
const MAX_MEMBERS = 32;
/** What `write` adds at most: `ot=`, `th:`, 14 digits, `;rv:`, 14 digits, and a comma. */
export const MOST_ADDED = 40;

const NO_TEXT = new Uint8Array(0);

/**
 * The member `ot` of a tracestate, which is `th:<threshold>;rv:<randomness>` and what else there
 * may be, found in its bytes. One instance is used again and again.
 */
export class TraceState {
  /** There is an `ot`, and it is as it should be; or there is none. */
  readable = true;
  hasThreshold = false;
  thresholdHi = 0;
  thresholdLo = 0;
  hasRandomness = false;
  randomnessHi = 0;
  randomnessLo = 0;
  #bytes: Uint8Array = NO_TEXT;
  #start = 0;
  #end = 0;
  /** Value of `ot`; empty when there is none. */
  #valueStart = 0;
  #valueEnd = 0;
  /** The member of it that is `th:..`. */
  #thStart = 0;
  #thEnd = 0;
  /** What `#memberAt` found: a member of the list without spaces around it. */
  #memberStart = 0;
  #memberEnd = 0;
  readonly #hex = new HexReader();

  /**
   * Reads the text in [start, end). What is not readable is not to be touched: neither `th` nor
   * `rv` is taken from it.
   */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.readable = true;
    this.hasThreshold = this.hasRandomness = false;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#valueStart = this.#valueEnd = this.#thStart = this.#thEnd = start;
    let found = false;
    for (let at = start; at < end; ) {
      at = this.#memberAt(at);
      if (!this.#isOt()) continue;
      if (found || !this.#readValue(this.#memberStart + 3, this.#memberEnd)) return this.#giveUp();
      found = true;
    }
  }

  /** What was read last is empty, so that reading nothing again would change nothing. */
  get isEmpty(): boolean {
    return this.#end === this.#start;
  }

  release(): void {
    this.#bytes = NO_TEXT;
  }

  /**
   * Writes the whole tracestate with this threshold (`text`, as th has it), and this randomness if
   * it has none and `withRandomness`: `ot` in front, all else as it was. Returns the place after
   * it; -1 when its value would become too long. There must be room for MOST_ADDED more bytes.
   */
  write(text: Uint8Array, random: RandomnessToWrite | undefined, into: Uint8Array, at: number): number {
    into[at] = O;
    into[at + 1] = T;
    into[at + 2] = EQUALS;
    const valueAt = at + 3;
    let to = valueAt;
    if (!this.hasThreshold) {
      to = writeThreshold(text, into, to);
      if (this.#valueEnd > this.#valueStart) into[to++] = SEMICOLON;
      to = this.#copy(this.#valueStart, this.#valueEnd, into, to);
    } else {
      to = this.#copy(this.#valueStart, this.#thStart, into, to);
      to = writeThreshold(text, into, to);
      to = this.#copy(this.#thEnd, this.#valueEnd, into, to);
    }
    if (random !== undefined && !this.hasRandomness) {
      into[to] = SEMICOLON;
      into[to + 1] = R;
      into[to + 2] = V;
      into[to + 3] = COLON;
      to = writeRandomness(random.hi, random.lo, into, to + 4);
    }
    return to - valueAt > MAX_VALUE ? -1 : this.#copyOthers(into, to);
  }

  /** When there are too many, those at the end are left out, as W3C has it. */
  #copyOthers(into: Uint8Array, to: number): number {
    let members = 1;
    for (let at = this.#start; at < this.#end && members < MAX_MEMBERS; ) {
      at = this.#memberAt(at);
      if (this.#memberEnd === this.#memberStart || this.#isOt()) continue;
      members++;
      into[to++] = COMMA;
      to = this.#copy(this.#memberStart, this.#memberEnd, into, to);
    }
    return to;
  }

  #copy(start: number, end: number, into: Uint8Array, to: number): number {
    const bytes = this.#bytes;
    for (let at = start; at < end; at++) into[to++] = bytes[at]!;
    return to;
  }

  /** Finds the member of the list that begins at `at`, and returns the place after its comma. */
  #memberAt(at: number): number {
    const bytes = this.#bytes;
    let comma = at;
    while (comma < this.#end && bytes[comma] !== COMMA) comma++;
    let start = at;
    let end = comma;
    while (start < end && isSpace(bytes[start]!)) start++;
    while (end > start && isSpace(bytes[end - 1]!)) end--;
    this.#memberStart = start;
    this.#memberEnd = end;
    return comma + 1;
  }

  #isOt(): boolean {
    const [bytes, at] = [this.#bytes, this.#memberStart];
    return this.#memberEnd >= at + 3 && bytes[at] === O && bytes[at + 1] === T && bytes[at + 2] === EQUALS;
  }

  /** False when it is not as the specification has it. */
  #readValue(start: number, end: number): boolean {
    if (end === start || end - start > MAX_VALUE) return false;
    this.#valueStart = start;
    this.#valueEnd = end;
    for (let at = start; at <= end; ) {
      let stop = at;
      while (stop < end && this.#bytes[stop] !== SEMICOLON) stop++;
      if (!this.#readMember(at, stop)) return false;
      at = stop + 1;
    }
    return true;
  }

  #readMember(start: number, end: number): boolean {
    const bytes = this.#bytes;
    let colon = start;
    while (colon < end && bytes[colon] !== COLON) colon++;
    if (colon === start || colon === end || !isKey(bytes, start, colon) || !isValue(bytes, colon + 1, end))
      return false;
    if (colon !== start + 2) return true;
    const [first, second] = [bytes[start], bytes[start + 1]];
    if (first === T && second === H) return this.#readThreshold(start, colon + 1, end);
    return first === R && second === V ? this.#readRandomness(colon + 1, end) : true;
  }

  #readThreshold(member: number, start: number, end: number): boolean {
    if (this.hasThreshold || !this.#hex.readThreshold(this.#bytes, start, end)) return false;
    this.hasThreshold = true;
    this.thresholdHi = this.#hex.hi;
    this.thresholdLo = this.#hex.lo;
    this.#thStart = member;
    this.#thEnd = end;
    return true;
  }

  #readRandomness(start: number, end: number): boolean {
    if (this.hasRandomness || !this.#hex.readRandomness(this.#bytes, start, end)) return false;
    this.hasRandomness = true;
    this.randomnessHi = this.#hex.hi;
    this.randomnessLo = this.#hex.lo;
    return true;
  }

  #giveUp(): void {
    this.readable = this.hasThreshold = this.hasRandomness = false;
  }
}

/** Randomness that is to travel along. */
interface RandomnessToWrite {
  readonly hi: number;
  readonly lo: number;
}

function writeThreshold(text: Uint8Array, into: Uint8Array, to: number): number {
  into[to] = T;
  into[to + 1] = H;
  into[to + 2] = COLON;
  for (let i = 0; i < text.length; i++) into[to + 3 + i] = text[i]!;
  return to + 3 + text.length;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function isLower(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isKey(bytes: Uint8Array, start: number, end: number): boolean {
  if (!isLower(bytes[start]!)) return false;
  for (let at = start + 1; at < end; at++) if (!isLower(bytes[at]!) && !isDigit(bytes[at]!)) return false;
  return true;
}

function isValue(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    const isLetter = isLower(code) || (code >= 0x41 && code <= 0x5a);
    if (!isLetter && !isDigit(code) && code !== 0x2e && code !== 0x5f && code !== 0x2d) return false;
  }
  return true;
}
