import { ENUMS } from "./enum.ts";
import type { ForwardWriter } from "./forward-writer.ts";
import {
  BACKSLASH,
  ESCAPED,
  FALSE,
  HEX,
  isDigit,
  type JsonCursor,
  MINUS,
  QUOTE,
  SPECIAL,
  TRUE,
  unitAt,
} from "./json-cursor.ts";
import type { NamedField } from "./named-fields.ts";
import { doubleOf, type ScalarKind } from "./scalar.ts";
import { takeInteger, Wide } from "./wide.ts";

const wide = new Wide();

/**
 * Takes one scalar, and writes it as this field if it is to be written. False: it is not of the
 * kind, or spelled in a way that is not read here.
 */
export function directScalar(c: JsonCursor, out: ForwardWriter, named: NamedField): boolean {
  const { field, tag } = named;
  const isImplicit = field.presence === "implicit";
  switch (field.scalar) {
    case "string":
      return directText(c, out, named, isImplicit);
    case "trace_id":
      return directId(c, out, tag, 16);
    case "span_id":
      return directId(c, out, tag, 8);
    case "bool":
      return directBool(c, out, tag, isImplicit);
    case "double": {
      const value = takeDouble(c);
      if (value === undefined) return false;
      if (isImplicit && Object.is(value, 0)) return true; // minus zero is not the default
      out.tag(tag);
      out.double(value);
      return true;
    }
    case "bytes":
      return directBase64(c, out, named, isImplicit);
    default:
      if (!takeAnyInteger(c, field.scalar)) return false;
      if (isImplicit && wide.low === 0 && wide.high === 0) return true;
      out.tag(tag);
      writeInteger(out, field.scalar);
      return true;
  }
}

/** The same without a tag, for packed lists. */
export function directPacked(c: JsonCursor, out: ForwardWriter, kind: ScalarKind): boolean {
  if (kind === "double") {
    const value = takeDouble(c);
    if (value !== undefined) out.double(value);
    return value !== undefined;
  }
  if (!takeAnyInteger(c, kind)) return false;
  writeInteger(out, kind);
  return true;
}

/** Into `wide`, in two's complement, if it is in the range of its kind. */
function takeAnyInteger(c: JsonCursor, kind: ScalarKind): boolean {
  if (kind in ENUMS && c.bytes[c.at] === QUOTE) return takeEnum(c, kind);
  if (!takeInteger(c, wide) || !isInRange(kind)) return false;
  wide.complement();
  return true;
}

function takeEnum(c: JsonCursor, kind: ScalarKind): boolean {
  const end = c.plainEnd();
  const names: ReadonlyMap<string, number> | undefined = Reflect.get(ENUMS, kind);
  const name = end < 0 ? undefined : shortText(c.bytes, c.at + 1, end);
  const value = name === undefined ? undefined : names?.get(name);
  if (value === undefined) return false;
  c.at = end + 1;
  wide.negative = false;
  wide.low = value;
  wide.high = 0;
  return true;
}

function isInRange(kind: ScalarKind): boolean {
  const { negative, low, high } = wide;
  switch (kind) {
    case "uint64":
    case "fixed64":
      return !negative || (low === 0 && high === 0);
    case "int64":
    case "sfixed64":
      return high < 0x8000_0000 || (negative && high === 0x8000_0000 && low === 0);
    case "uint32":
    case "fixed32":
      return high === 0 && (!negative || low === 0);
    default:
      return high === 0 && (low < 0x8000_0000 || (negative && low === 0x8000_0000));
  }
}

function writeInteger(out: ForwardWriter, kind: ScalarKind): void {
  switch (kind) {
    case "fixed64":
    case "sfixed64":
      out.wideFixed(wide);
      break;
    case "fixed32":
      out.fixed32(wide.low);
      break;
    case "sint32":
      out.varint(((wide.low << 1) ^ (wide.low >> 31)) >>> 0);
      break;
    default:
      out.wideVarint(wide);
      break;
  }
}

function directBool(c: JsonCursor, out: ForwardWriter, tag: number, isImplicit: boolean): boolean {
  const value = c.takeWord(TRUE);
  if (!value && !c.takeWord(FALSE)) return false;
  if (!value && isImplicit) return true;
  out.tag(tag);
  out.varint(value ? 1 : 0);
  return true;
}

/** Trace and span ids are hex; an empty one is absent. */
function directId(c: JsonCursor, out: ForwardWriter, tag: number, length: number): boolean {
  const { bytes, at } = c;
  if (bytes[at] !== QUOTE) return false;
  if (bytes[at + 1] === QUOTE) {
    c.at = at + 2;
    return true;
  }
  if (bytes[at + 1 + 2 * length] !== QUOTE) return false;
  out.tag(tag);
  out.varint(length);
  const to = out.to;
  let all = 0;
  for (let i = 0, from = at + 1; i < length; i++, from += 2) {
    const byte = (HEX[bytes[from]!]! << 4) | HEX[bytes[from + 1]!]!;
    all |= byte;
    out.bytes[to + i] = byte;
  }
  out.to = to + length;
  c.at = at + 2 + 2 * length;
  return all >= 0;
}

function directText(c: JsonCursor, out: ForwardWriter, named: NamedField, isImplicit: boolean): boolean {
  if (c.bytes[c.at] !== QUOTE) return false;
  if (isImplicit && c.bytes[c.at + 1] === QUOTE) {
    c.at += 2;
    return true;
  }
  out.tag(named.tag);
  const guess = named.lengthBytes;
  const start = out.open(guess);
  if (!copyText(c, out)) return false;
  named.lengthBytes = out.close(start, guess);
  return named.lengthBytes > 0 || reset(named);
}

function reset(named: NamedField): false {
  named.lengthBytes = 1;
  return false;
}

/** There is room for as many bytes as are still to be read. */
function copyText(c: JsonCursor, out: ForwardWriter): boolean {
  const { bytes, end } = c;
  const into = out.bytes;
  let at = c.at + 1;
  let to = out.to;
  for (;;) {
    let byte = 0;
    while (at < end && SPECIAL[(byte = bytes[at]!)] === 0) {
      into[to++] = byte;
      at++;
    }
    if (at >= end) return false;
    if (byte === QUOTE) break;
    if (byte !== BACKSLASH || at + 1 >= end) return false;
    const plain = ESCAPED[bytes[at + 1]!]!;
    if (plain !== 0) {
      into[to++] = plain;
      at += 2;
      continue;
    }
    const unit = unitAt(bytes, at, end);
    at += 6;
    let point = unit;
    if (unit >= 0xd800 && unit < 0xe000) {
      const second = unitAt(bytes, at, end);
      if (unit >= 0xdc00 || second < 0xdc00 || second >= 0xe000) return false; // one alone
      point = 0x1_0000 + ((unit - 0xd800) << 10) + (second - 0xdc00);
      at += 6;
    }
    if (point < 0) return false;
    to = writeUtf8(into, to, point);
  }
  c.at = at + 1;
  out.to = to;
  return true;
}

function writeUtf8(into: Uint8Array, at: number, point: number): number {
  let to = at;
  if (point < 0x80) {
    into[to++] = point;
    return to;
  }
  if (point < 0x800) into[to++] = 0xc0 | (point >> 6);
  else {
    if (point < 0x1_0000) into[to++] = 0xe0 | (point >> 12);
    else {
      into[to++] = 0xf0 | (point >> 18);
      into[to++] = 0x80 | ((point >> 12) & 0x3f);
    }
    into[to++] = 0x80 | ((point >> 6) & 0x3f);
  }
  into[to++] = 0x80 | (point & 0x3f);
  return to;
}

/** Undefined: it is none, beyond the range of a double, or longer than anybody writes one. */
function takeDouble(c: JsonCursor): number | undefined {
  const { bytes } = c;
  if (bytes[c.at] === QUOTE) {
    const end = c.plainEnd();
    if (end < 0) return undefined;
    const value = doubleOf(shortText(bytes, c.at + 1, end));
    c.at = end + 1;
    return value;
  }
  const start = c.skipNumber();
  if (start < 0) return undefined;
  const short = shortDouble(bytes, start, c.at);
  if (short !== undefined) return short;
  const text = shortText(bytes, start, c.at);
  const value = text === undefined ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Up to 15 digits and a power of ten up to 15 are exact, and so is their quotient rounded once. */
function shortDouble(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start > 17) return undefined;
  const negative = bytes[start] === MINUS;
  let value = 0;
  let digits = 0;
  let fraction = -1;
  for (let at = negative ? start + 1 : start; at < end; at++) {
    const byte = bytes[at]!;
    if (isDigit(byte)) {
      value = value * 10 + (byte - 0x30);
      digits++;
    } else if (byte === 0x2e) fraction = digits;
    else return undefined;
  }
  if (digits > 15) return undefined;
  const scaled = fraction < 0 ? value : value / POWERS[digits - fraction]!;
  return negative ? -scaled : scaled;
}

const POWERS: Float64Array = Float64Array.from({ length: 16 }, (_, power) => Number(`1e${power}`));

/** Of a number or a name; as long as those of integers may be (integer.ts). */
const MAX_TEXT = 128;

/**
 * Undefined: it is longer. Letter by letter is the fastest for few; of 15 million it makes as many
 * texts of 32 bytes each, for seconds.
 */
function shortText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > MAX_TEXT) return undefined;
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** Standard or URL-safe, with or without padding. */
function directBase64(c: JsonCursor, out: ForwardWriter, named: NamedField, isImplicit: boolean): boolean {
  const textEnd = c.bytes[c.at] === QUOTE ? c.plainEnd() : -1;
  if (textEnd < 0) return false;
  const { bytes } = c;
  const from = c.at + 1;
  let end = textEnd;
  while (end > from && end > textEnd - 2 && bytes[end - 1] === 0x3d) end--;
  if ((end - from) % 4 === 1 || (end !== textEnd && (textEnd - from) % 4 !== 0)) return false;
  c.at = textEnd + 1;
  if (isImplicit && from === textEnd) return true;
  out.tag(named.tag);
  const guess = named.lengthBytes;
  const start = out.open(guess);
  let all = 0;
  let bits = 0;
  let held = 0;
  for (let at = from; at < end; at++) {
    const digit = BASE64[bytes[at]!]!;
    all |= digit;
    held = ((held << 6) | digit) & 0xff_ff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.bytes[out.to++] = held >> bits;
    }
  }
  named.lengthBytes = out.close(start, guess);
  if (all < 0) return false;
  return named.lengthBytes > 0 || reset(named);
}

const BASE64: Int8Array = Int8Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte).replace("-", "+").replace("_", "/");
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".indexOf(letter);
});
