import { textBrief } from "../../core/bytes.ts";
import type { ProtoWriter } from "../proto-writer.ts";
import { ENUMS } from "./enum.ts";
import { integerOf, isMarked } from "./integer.ts";

/** What OTLP/JSON has beside messages: protobuf's types, with ids apart from other bytes. */
export type ScalarKind =
  | "string"
  | "bool"
  | "int32"
  | "uint32"
  | "sint32"
  | "fixed32"
  | "int64"
  | "uint64"
  | "fixed64"
  | "sfixed64"
  | "double"
  | keyof typeof ENUMS
  | "bytes"
  | "trace_id"
  | "span_id";

/** `implicit`: a default value is as good as absent and is not written. */
export type Presence = "implicit" | "explicit";

/**
 * Writes `value` as field `number`. Gives what is wrong with the value, and then writes nothing;
 * else an empty text.
 */
export type WriteScalar = (out: ProtoWriter, number: number, value: unknown, presence: Presence) => string;
/** The same without a tag: for packed lists. */
export type WritePacked = (out: ProtoWriter, value: unknown) => string;

export const WRITE_SCALAR: Readonly<Record<ScalarKind, WriteScalar>> = {
  string: writeString,
  bool: writeBool,
  int32: writeInt32,
  uint32: writeUint32,
  sint32: writeSint32,
  fixed32: writeFixed32,
  int64: writeVarint64(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: writeVarint64(0n, 2n ** 64n - 1n),
  fixed64: writeFixed64(0n, 2n ** 64n - 1n),
  sfixed64: writeFixed64(-(2n ** 63n), 2n ** 63n - 1n),
  double: writeDouble,
  span_kind: writeEnum(ENUMS.span_kind),
  status_code: writeEnum(ENUMS.status_code),
  temporality: writeEnum(ENUMS.temporality),
  severity_number: writeEnum(ENUMS.severity_number),
  bytes: writeBase64,
  trace_id: writeId(16),
  span_id: writeId(8),
};

const [VARINT, I64, LEN, I32] = [0, 1, 2, 5];

/** Of protobuf. */
export const WIRE_TYPE: Readonly<Record<ScalarKind, number>> = {
  string: LEN,
  bool: VARINT,
  int32: VARINT,
  uint32: VARINT,
  sint32: VARINT,
  fixed32: I32,
  int64: VARINT,
  uint64: VARINT,
  fixed64: I64,
  sfixed64: I64,
  double: I64,
  span_kind: VARINT,
  status_code: VARINT,
  temporality: VARINT,
  severity_number: VARINT,
  bytes: LEN,
  trace_id: LEN,
  span_id: LEN,
};

export const WRITE_PACKED = {
  double: packDouble,
  fixed64: packFixed64,
  uint64: packUint64,
} as const satisfies Partial<Record<ScalarKind, WritePacked>>;
const NOT_INTEGER = "must be an integer";
const NOT_DOUBLE = 'must be a number, "NaN", "Infinity" or "-Infinity"';
const OUT_OF_RANGE = "is out of range";
const MAX_UINT64 = 2n ** 64n - 1n;

function writeString(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  if (typeof value !== "string" || isMarked(value)) return "must be a string";
  if (value !== "" || presence === "explicit") out.string(number, value);
  return "";
}

function writeBool(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  if (typeof value !== "boolean") return "must be true or false";
  if (value || presence === "explicit") out.varintField(number, value ? 1 : 0);
  return "";
}

function writeInt32(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  const integer = integerOf(value);
  if (integer === undefined) return NOT_INTEGER;
  if (typeof integer === "bigint" || (integer | 0) !== integer) return OUT_OF_RANGE;
  if (integer !== 0 || presence === "explicit") out.varintField(number, integer);
  return "";
}

function writeUint32(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  const integer = integerOf(value);
  if (integer === undefined) return NOT_INTEGER;
  if (typeof integer === "bigint" || integer < 0 || integer > 0xffff_ffff) return OUT_OF_RANGE;
  if (integer !== 0 || presence === "explicit") out.varintField(number, integer);
  return "";
}

function writeSint32(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  const integer = integerOf(value);
  if (integer === undefined) return NOT_INTEGER;
  if (typeof integer === "bigint" || (integer | 0) !== integer) return OUT_OF_RANGE;
  if (integer !== 0 || presence === "explicit") out.varintField(number, ((integer << 1) ^ (integer >> 31)) >>> 0);
  return "";
}

function writeFixed32(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  const integer = integerOf(value);
  if (integer === undefined) return NOT_INTEGER;
  if (typeof integer === "bigint" || integer < 0 || integer > 0xffff_ffff) return OUT_OF_RANGE;
  if (integer !== 0 || presence === "explicit") out.fixed32Field(number, integer);
  return "";
}

/**
 * OTLP/JSON writes enums as integers; names, which protobuf's own JSON has, are taken as well, as
 * the Collector does. Integers that are not known yet are kept; a name that is not known has no
 * number, and is an error.
 */
function writeEnum(names: ReadonlyMap<string, number>): WriteScalar {
  return (out, number, value, presence) => {
    const known = typeof value === "string" ? names.get(value) : value;
    if (typeof known !== "number") return "must be an integer, or the name of a value of this enum";
    return writeInt32(out, number, known, presence);
  };
}

function writeVarint64(min: bigint, max: bigint): WriteScalar {
  return (out, number, value, presence) => {
    const integer = integerOf(value);
    if (integer === undefined) return NOT_INTEGER;
    if (integer < min || integer > max) return OUT_OF_RANGE;
    if (integer === 0 && presence === "implicit") return "";
    if (typeof integer === "bigint") out.varint64Field(number, integer);
    else out.varintField(number, integer);
    return "";
  };
}

function writeFixed64(min: bigint, max: bigint): WriteScalar {
  return (out, number, value, presence) => {
    const integer = integerOf(value);
    if (integer === undefined) return NOT_INTEGER;
    if (integer < min || integer > max) return OUT_OF_RANGE;
    if (integer !== 0 || presence === "explicit") out.fixed64Field(number, BigInt(integer));
    return "";
  };
}

function writeDouble(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  const double = doubleOf(value);
  if (double === undefined) return NOT_DOUBLE;
  // Minus zero is not the default.
  if (!Object.is(double, 0) || presence === "explicit") out.doubleField(number, double);
  return "";
}

/**
 * Texts are numbers as JSON spells them, and the three that JSON cannot; a number beyond the range
 * of a double is none.
 */
export function doubleOf(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  if (isMarked(value)) return doubleOf(Number(value.slice(1)));
  if (value === "NaN") return Number.NaN;
  if (value === "Infinity") return Infinity;
  if (value === "-Infinity") return -Infinity;
  const double = JSON_NUMBER.test(value) ? Number(value) : Number.NaN;
  return Number.isFinite(double) ? double : undefined;
}

const JSON_NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/u;

/** Standard or URL-safe, with or without padding. */
function writeBase64(out: ProtoWriter, number: number, value: unknown, presence: Presence): string {
  if (typeof value !== "string") return "must be a text in base64";
  const digits = value.endsWith("=") ? value.replace(/={1,2}$/u, "") : value;
  const padded = digits.length !== value.length;
  if (digits.length % 4 === 1 || (padded && value.length % 4 !== 0) || !BASE64.test(digits))
    return "is not valid base64";
  if (value !== "" || presence === "explicit") out.bytes(number, textBrief(digits, "base64"));
  return "";
}

const BASE64 = /^[A-Za-z0-9+/_-]*$/u;

/** Trace and span ids are hex, unlike other bytes; an empty one is absent. */
function writeId(length: number): WriteScalar {
  const scratch = new Uint8Array(length);
  const problem = `must be ${2 * length} hex digits`;
  return (out, number, value) => {
    if (value === "") return "";
    if (typeof value !== "string" || value.length !== 2 * length) return problem;
    for (let i = 0; i < length; i++) {
      const byte = hexDigit(value.charCodeAt(2 * i)) * 16 + hexDigit(value.charCodeAt(2 * i + 1));
      if (!(byte >= 0)) return problem;
      scratch[i] = byte;
    }
    out.bytes(number, scratch);
    return "";
  };
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : Number.NaN;
}

function packDouble(out: ProtoWriter, value: unknown): string {
  const number = doubleOf(value);
  if (number === undefined) return NOT_DOUBLE;
  out.double(number);
  return "";
}

function packFixed64(out: ProtoWriter, value: unknown): string {
  const number = integerOf(value);
  if (number === undefined) return NOT_INTEGER;
  if (number < 0 || number > MAX_UINT64) return OUT_OF_RANGE;
  out.fixed64(BigInt(number));
  return "";
}

function packUint64(out: ProtoWriter, value: unknown): string {
  const number = integerOf(value);
  if (number === undefined) return NOT_INTEGER;
  if (number < 0 || number > MAX_UINT64) return OUT_OF_RANGE;
  if (typeof number === "bigint") out.varint64(number);
  else out.varint(number);
  return "";
}
