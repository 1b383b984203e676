import { encodeDetails, encodeStatusText } from "../../headers.ts";
import type { UnaryReply } from "../../port.ts";
import { encodeHeaders } from "../hpack/encoder.ts";

/** Encoded header blocks of replies, which use no dynamic table and so are the same on all connections. */
const HEAD = [":status", "200", "content-type", "application/grpc", "grpc-accept-encoding", "identity,gzip"];

export const SUCCESS_HEAD = encodeHeaders(HEAD);
export const SUCCESS_TRAILERS = encodeHeaders(["grpc-status", "0"]);
export const METHOD_NOT_ALLOWED = encodeHeaders([":status", "405", "allow", "POST"]);
export const UNSUPPORTED_MEDIA_TYPE = encodeHeaders([":status", "415"]);

/** Head and trailers in one, for a reply without a message. */
export function errorBlock({ status, text, details }: UnaryReply): Uint8Array {
  const headers = [...HEAD, "grpc-status", String(status)];
  if (text !== "") headers.push("grpc-message", encodeStatusText(text));
  const encoded = details === undefined ? undefined : encodeDetails(details);
  if (encoded !== undefined) headers.push("grpc-status-details-bin", encoded);
  return encodeHeaders(headers);
}
