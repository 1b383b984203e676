import { textOwned, viewBuffer } from "../../../core/bytes.ts";
const FIRST_LINE = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE) /u;

const TEXT =
  "This port speaks gRPC over HTTP/2. OTLP over HTTP has a port of its own, 4318 unless configured otherwise.\n";

/**
 * What to say to those who speak HTTP/1.1, mostly people and OTLP/HTTP exporters with a wrong port.
 */
export const HTTP1_ANSWER: Uint8Array = textOwned(
  "HTTP/1.1 505 HTTP Version Not Supported\r\n" +
    `content-type: text/plain\r\ncontent-length: ${Buffer.byteLength(TEXT)}\r\nconnection: close\r\n\r\n${TEXT}`,
);

/** Whether the first bytes of a connection begin a request of HTTP/1. */
export function looksLikeHttp1(bytes: Uint8Array): boolean {
  return FIRST_LINE.test(viewBuffer(bytes, 0, Math.min(bytes.length, 8)).toString("latin1"));
}
