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
      out.encoded(bytes, start, end, "hex");
      return true;
    case "bytes":
      out.encoded(bytes, start, end, "base64");
      return true;
    default:
      out.ascii(numberText(kind, bytes, start, end));
      return true;
  }
}

type NumberKind = Exclude<ScalarKind, "string" | "trace_id" | "span_id" | "bytes">;

function numberText(kind: NumberKind, bytes: Uint8Array, start: number, end: number): string {
  switch (kind) {
    case "bool":
      return isZero(bytes, start, end) ? "false" : "true";
    case "double":
      return doubleText(viewOf(bytes, start).getFloat64(0, true));
    case "fixed64":
      return `"${viewOf(bytes, start).getBigUint64(0, true)}"`;
    case "sfixed64":
      return `"${viewOf(bytes, start).getBigInt64(0, true)}"`;
    case "fixed32":
      return String(viewOf(bytes, start).getUint32(0, true));
    case "int64":
      return `"${end - start <= SMALL ? smallOf(bytes, start, end) : BigInt.asIntN(64, wideOf(bytes, start, end))}"`;
    case "uint64":
      return `"${end - start <= SMALL ? smallOf(bytes, start, end) : BigInt.asUintN(64, wideOf(bytes, start, end))}"`;
    case "uint32":
      return String(int32Of(bytes, start, end) >>> 0);
    case "sint32": {
      const folded = int32Of(bytes, start, end);
      return String((folded >>> 1) ^ -(folded & 1));
    }
    default: // int32 and the enums
      return String(int32Of(bytes, start, end));
  }
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A varint of so many bytes has 28 bits. */
const SMALL = 4;

function smallOf(bytes: Uint8Array, start: number, end: number): number {
  return int32Of(bytes, start, end);
}

function wideOf(bytes: Uint8Array, start: number, end: number): bigint {
  let value = 0n;
  for (let at = end - 1; at >= start; at--) value = (value << 7n) | BigInt(bytes[at]! & 0x7f);
  return value;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at]! & 0x7f) !== 0) return false;
  return true;
}

function viewOf(bytes: Uint8Array, start: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + start, Math.min(8, bytes.length - start));
}
