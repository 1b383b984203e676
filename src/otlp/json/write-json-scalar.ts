import { int32Of } from "../wire.ts";
import type { JsonOut } from "./json-out.ts";
import type { ScalarKind } from "./scalar.ts";

/**
 * Writes a scalar that stands in [start, end) of `bytes`, without its tag and length. False: it is
 * a text that is not UTF-8.
 */
export function writeJsonScalar(
  out: JsonOut,
  kind: ScalarKind,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  switch (kind) {
    case "string":
      return out.text(bytes, start, end);
    case "trace_id":
    case "span_id":
      out.hex(bytes, start, end);
      return true;
    case "bytes":
      out.base64(bytes, start, end);
      return true;
    default:
      writeNumber(out, kind, bytes, start, end);
      return true;
  }
}

type NumberKind = Exclude<ScalarKind, "string" | "trace_id" | "span_id" | "bytes">;

function writeNumber(out: JsonOut, kind: NumberKind, bytes: Uint8Array, start: number, end: number): void {
  switch (kind) {
    case "bool":
      return out.ascii(isZero(bytes, start, end) ? "false" : "true");
    case "double":
      return out.ascii(doubleText(doubleAt(bytes, start)));
    case "fixed64":
      return out.wide(uint32At(bytes, start + 4), uint32At(bytes, start));
    case "sfixed64":
      return out.signedWide(uint32At(bytes, start + 4) | 0, uint32At(bytes, start));
    case "fixed32":
      return out.integer(uint32At(bytes, start));
    case "int64":
      return out.signedWide(highOf(bytes, start, end) | 0, int32Of(bytes, start, end));
    case "uint64":
      return out.wide(highOf(bytes, start, end), int32Of(bytes, start, end));
    case "uint32":
      return out.integer(int32Of(bytes, start, end) >>> 0);
    case "sint32": {
      const folded = int32Of(bytes, start, end);
      return out.integer((folded >>> 1) ^ -(folded & 1));
    }
    default: // int32 and the enums
      return out.integer(int32Of(bytes, start, end));
  }
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}

const double = new Float64Array(1);
const bytesOfDouble = new Uint8Array(double.buffer);

function doubleAt(bytes: Uint8Array, start: number): number {
  for (let i = 0; i < 8; i++) bytesOfDouble[i] = bytes[start + i]!;
  return double[0]!;
}

function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** Bits 32 to 63 of a varint: of its fifth byte all but four, then seven of each. */
function highOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 5) return 0;
  let high = (bytes[start + 4]! & 0x7f) >>> 4;
  for (let at = start + 5, shift = 3; at < end && shift < 32; at++, shift += 7) high |= (bytes[at]! & 0x7f) << shift;
  return high >>> 0;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at]! & 0x7f) !== 0) return false;
  return true;
}
