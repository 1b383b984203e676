import { ACCEPTED_ENCODINGS, encodeDetails, encodeStatusText } from "../../headers.ts";
import { prefixed } from "../../message-pieces.ts";
import type { UnaryReply } from "../../port.ts";
import { FixedReply } from "../frames/fixed-reply.ts";
import { headerListBytes } from "../header-list.ts";
import { encodeHeaders } from "../hpack/encoder.ts";

/**
 * Encoded header blocks of replies, which use no dynamic table and so are the same on all
 * connections.
 */
const HEAD = [":status", "200", "content-type", "application/grpc", "grpc-accept-encoding", ACCEPTED_ENCODINGS];

export const SUCCESS_HEAD = encodeHeaders(HEAD);
export const SUCCESS_TRAILERS = encodeHeaders(["grpc-status", "0"]);
/** Success with nothing to say, as nearly all that OTLP is answered. */
export const SUCCESS = new FixedReply(SUCCESS_HEAD, prefixed(new Uint8Array(0)), SUCCESS_TRAILERS);
/** The body may come (RFC 9110, 10.1.1). */
export const CONTINUE = encodeHeaders([":status", "100"]);
export const METHOD_NOT_ALLOWED = encodeHeaders([":status", "405", "allow", "POST"]);
export const UNSUPPORTED_MEDIA_TYPE = encodeHeaders([":status", "415"]);

/**
 * Head and trailers in one, for a reply without a message. What a list of `maxListBytes` has no
 * room for is left out: the details first, then the end of the text; what is left then is sent
 * however little the peer takes.
 */
export function errorBlock({ status, text, details }: UnaryReply, maxListBytes: number): Uint8Array {
  const headers = [...HEAD, "grpc-status", String(status)];
  if (text !== "") {
    const room = maxListBytes - headerListBytes([...headers, "grpc-message", ""]);
    const shown = shortened(encodeStatusText(text), room);
    if (shown !== "") headers.push("grpc-message", shown);
  }
  const encoded = details === undefined ? undefined : encodeDetails(details);
  if (encoded !== undefined) {
    const field = ["grpc-status-details-bin", encoded];
    if (headerListBytes(headers) + headerListBytes(field) <= maxListBytes) headers.push(...field);
  }
  return encodeHeaders(headers);
}

/** Without half of an escape, or a space at its end, which no value may have (RFC 9113, 8.2.1). */
function shortened(encoded: string, bytes: number): string {
  if (encoded.length <= bytes) return encoded;
  return encoded.slice(0, Math.max(0, bytes)).replace(/%.?$/u, "").trimEnd();
}
