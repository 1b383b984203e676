import { isUtf8 } from "node:buffer";
import { reasonOf } from "../../core/errors.ts";
import { exactInteger } from "./integer.ts";

export type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/**
 * Reads a JSON text. Integers beyond 2^53 come as bigint, everything else as JSON.parse gives it. A text nested deeper
 * than 500 levels is refused before it is parsed: a byte of it would become dozens in memory.
 */
export function readJson(body: Uint8Array): ReadJson {
  if (!isUtf8(body)) return { ok: false, message: "the body is not valid UTF-8" };
  const survey = surveyJson(body);
  if (survey.depth > MAX_DEPTH) return { ok: false, message: `the body is nested deeper than ${MAX_DEPTH} levels` };
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString("utf8");
  try {
    // A reviver makes parsing about five times as slow, so it is there only where a number needs its text.
    const value: unknown = survey.longNumbers ? JSON.parse(text, keepExact) : JSON.parse(text);
    return { ok: true, value };
  } catch (cause) {
    return { ok: false, message: `the body is not valid JSON: ${reasonOf(cause)}` };
  }
}

/** The limit of messages is 100 (transcode.ts); an array within a value takes three levels of JSON and two of messages. */
const MAX_DEPTH = 500;
/** Numbers of up to 15 digits survive a double. */
const LONG_DIGITS = 16;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

interface Survey {
  /** How deep arrays and objects nest. */
  readonly depth: number;
  /** True when a number outside of texts could lose digits of an integer. */
  readonly longNumbers: boolean;
}

function surveyJson(body: Uint8Array): Survey {
  let level = 0;
  let depth = 0;
  let longNumbers = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]!;
    if (byte === QUOTE) i = endOfText(body, i + 1);
    else if (byte === 0x5b || byte === 0x7b) {
      if (++level > depth) depth = level;
    } else if (byte === 0x5d || byte === 0x7d) level--;
    else if (isDigit(byte)) {
      const end = endOfNumber(body, i);
      if (end - i >= LONG_DIGITS && !longNumbers) longNumbers = maybeInteger(body, i, end);
      i = end - 1;
    }
  }
  return { depth, longNumbers };
}

/** The closing quote of the text that starts at `start`; the end of the body when there is none. */
function endOfText(body: Uint8Array, start: number): number {
  let at = start;
  while (at < body.length && body[at] !== QUOTE) at += body[at] === BACKSLASH ? 2 : 1;
  return at;
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

function keepExact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value)) return value;
  return exactInteger(context?.source ?? "") ?? value;
}
