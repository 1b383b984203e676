import { textBrief, viewBuffer } from "../core/bytes.ts";
import { leastOf, valuesOf } from "./repeated.ts";

/**
 * What a message may be compressed with, on both sides; whoever uses the port has to inflate all of
 * them.
 */
export const ACCEPTED_ENCODINGS = "identity,gzip,deflate,zstd";

/** A block of headers as node:http2 hands it over; what may be repeated comes as a list. */
export type HeaderBlock = Readonly<Record<string, string | readonly string[] | undefined>>;

/** More is cut off: some gRPC clients take no more than 8 KiB of headers altogether. */
const MAX_TEXT_LENGTH = 1_024;
/** Longer details are left out, for the same reason. */
const MAX_DETAILS_BYTES = 4_096;

/** A header's value; repeated ones are joined as RFC 9110, 5.3 says. */
export function headerText(headers: HeaderBlock, name: string): string | undefined {
  const value = headers[name];
  return value === undefined || typeof value === "string" ? value : value.join(", ");
}

const NO_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/u;

/**
 * Whether a text may be the value of a header: what else is sent makes the peer reset the call as
 * malformed.
 */
export function isHeaderValue(text: string): boolean {
  return !NO_HEADER_VALUE.test(text);
}

/** Headers that are the transport's own: metadata does not replace them. */
export function isTransportHeader(name: string): boolean {
  return name.startsWith(":") || name.startsWith("grpc-") || name === "te" || name === "content-type";
}

/**
 * The HTTP status of a request as its head tells it, when it is not gRPC with protobuf; 200 when it
 * is.
 */
export function httpStatusOf(method: string | undefined, contentType: string | undefined): 200 | 405 | 415 {
  if (method !== "POST") return 405;
  return isGrpcContentType(contentType) ? 200 : 415;
}

/** Whether a content-type is gRPC with protobuf, the only one that OTLP/gRPC has. */
function isGrpcContentType(text: string | undefined): boolean {
  if (text === undefined) return false;
  const semicolon = text.indexOf(";");
  const type = (semicolon < 0 ? text : text.slice(0, semicolon)).trimEnd().toLowerCase();
  return type === "application/grpc" || type === "application/grpc+proto";
}

/**
 * A `grpc-message` header: UTF-8, with everything but printable ASCII percent-encoded, cut to 1,024
 * characters.
 */
export function encodeStatusText(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 3)}...` : text;
  // A header value has no space at its ends (RFC 9113, 8.2.1), so these are encoded, too.
  if (/^[\x20-\x24\x26-\x7e]*$/u.test(short) && short.trim() === short) return short;
  const bytes = textBrief(short);
  let encoded = "";
  for (const [at, byte] of bytes.entries()) {
    const inner = byte === 0x20 && at > 0 && at < bytes.length - 1;
    const plain = inner || (byte > 0x20 && byte <= 0x7e && byte !== 0x25);
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The text of a `grpc-message` header. Never fails: what is malformed stays as it was written. */
export function decodeStatusText(header: string): string {
  if (!/[%\x80-\xff]/u.test(header)) return header;
  const bytes: number[] = [];
  for (let at = 0; at < header.length; at++) {
    const hex = header.slice(at + 1, at + 3);
    if (header[at] === "%" && /^[\da-f]{2}$/iu.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    } else {
      bytes.push(header.charCodeAt(at)); // headers come as Latin-1: one character is one byte
    }
  }
  return viewBuffer(Uint8Array.from(bytes)).toString("utf8");
}

/**
 * A `grpc-status-details-bin` header: base64 without padding; undefined when it would be too long
 * for a header.
 */
export function encodeDetails(details: Uint8Array): string | undefined {
  if (details.length > MAX_DETAILS_BYTES) return undefined;
  return viewBuffer(details).toString("base64").replace(/=+$/u, "");
}

/**
 * The bytes of a `grpc-status-details-bin` header, padded or not; undefined when it is not base64.
 */
export function decodeDetails(header: string): Uint8Array | undefined {
  const first = header.split(",", 1)[0] ?? "";
  return /^[A-Za-z0-9+/]*={0,2}$/u.test(first) ? textBrief(first, "base64") : undefined;
}

/**
 * When a reply asks for a pause: `grpc-retry-pushback-ms`, or `retry-after` in seconds. Dates and
 * negative numbers say nothing.
 */
export function retryAfterMs(headers: HeaderBlock): number | undefined {
  const pushback = leastOf(valuesOf(headers, "grpc-retry-pushback-ms").map((text) => parseWhole(text, 9)));
  if (pushback !== undefined) return pushback;
  const seconds = leastOf(valuesOf(headers, "retry-after").map((text) => parseWhole(text, 6)));
  return seconds === undefined ? undefined : seconds * 1_000;
}

function parseWhole(text: string, digits: number): number | undefined {
  return /^\d+$/u.test(text) && text.length <= digits ? Number(text) : undefined;
}

/** Whether a value of `expect` asks for a word before the body is sent. */
export function isContinue(expect: string | undefined): boolean {
  return expect !== undefined && expect.toLowerCase() === "100-continue";
}
