import { allocOwned, textBrief, viewBuffer } from "../../core/bytes.ts";
import { isUtf8 } from "node:buffer";
import { reasonOf } from "../../core/errors.ts";
import type { Excess, RequestLimits } from "../limits.ts";
import { markNumbersBy } from "./integer.ts";
import { MAX_DEPTH, surveyJson } from "./survey.ts";

type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  /** With `excess` it was not parsed, because it holds too much of that. */
  | { readonly ok: false; readonly message: string; readonly excess?: Excess };

/**
 * Reads a JSON text. Integers beyond 2^53 come as marked texts (integer.ts), everything else as
 * JSON.parse gives it. A text that is nested deeper than 500 levels, or holds more than it may, is
 * refused before it is parsed: a byte of it would become dozens in memory.
 */
export function readJson(body: Uint8Array, limits: RequestLimits): ReadJson {
  if (!isUtf8(body)) return { ok: false, message: "the body is not valid UTF-8" };
  const survey = surveyJson(body, limits);
  const { excess } = survey;
  if (excess !== undefined) return { ok: false, message: `the body has too many ${excess}`, excess };
  if (survey.depth > MAX_DEPTH) return { ok: false, message: `the body is nested deeper than ${MAX_DEPTH} levels` };
  markNumbersBy("");
  try {
    return { ok: true, value: survey.longNumbers.length === 0 ? parse(body) : parseExact(body, survey.longNumbers) };
  } catch (cause) {
    return { ok: false, message: `the body is not valid JSON: ${reasonOf(cause)}` };
  }
}

function parse(body: Uint8Array): unknown {
  return JSON.parse(textOf(body));
}

/**
 * A reviver would keep digits, but makes parsing five to forty times as slow: 16 MiB of zeros took
 * 8 s. So numbers that need their digits become texts beforehand, marked as what they are by a
 * character that does not occur.
 */
function parseExact(body: Uint8Array, numbers: readonly number[]): unknown {
  const mark = freeMark(textOf(body));
  if (mark === undefined) return parse(body); // all of them occur: numbers are what a double holds of them
  markNumbersBy(mark);
  return parse(markNumbers(body, numbers, textBrief(mark)));
}

/** Noncharacters of Unicode: nobody has a use for them. */
const FIRST_MARK = 0xfdd0;
const LAST_MARK = 0xfdef;
const ANY_MARK = /[\ufdd0-\ufdef]|\\ufd[de]/iu;

/** A character that does not occur in a JSON text, neither as it is nor spelled. */
function freeMark(text: string): string | undefined {
  if (!ANY_MARK.test(text)) return String.fromCharCode(FIRST_MARK);
  const lower = text.toLowerCase();
  for (let code = FIRST_MARK; code <= LAST_MARK; code++) {
    const mark = String.fromCharCode(code);
    if (!lower.includes(mark) && !lower.includes(`\\u${code.toString(16)}`)) return mark;
  }
  return undefined;
}

const QUOTE = 0x22;
const COLON = 0x3a;

function markNumbers(body: Uint8Array, numbers: readonly number[], mark: Uint8Array): Uint8Array {
  const marked = allocOwned(body.length + (numbers.length / 2) * (mark.length + 2));
  let from = 0;
  let at = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const start = numbers[i]!;
    const end = numbers[i + 1]!;
    if (!isNumber(body, start, end) || isName(body, end)) continue; // the parser is to see what is wrong
    marked.set(body.subarray(from, start), at);
    at += start - from;
    marked[at++] = QUOTE;
    marked.set(mark, at);
    at += mark.length;
    marked.set(body.subarray(start, end), at);
    at += end - start;
    marked[at++] = QUOTE;
    from = end;
  }
  marked.set(body.subarray(from), at);
  return marked.subarray(0, at + body.length - from);
}

/** Whether the bytes of a number are one as JSON spells them. */
function isNumber(body: Uint8Array, start: number, end: number): boolean {
  return NUMBER.test(viewBuffer(body, start, end).toString("latin1"));
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/u;

/** Whether what ends there stands where only a name may, which is no number. */
function isName(body: Uint8Array, end: number): boolean {
  let at = end;
  while (at < body.length && body[at]! <= 0x20) at++;
  return body[at] === COLON;
}

function textOf(bytes: Uint8Array): string {
  return viewBuffer(bytes).toString("utf8");
}
