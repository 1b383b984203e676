/** How a request can be compressed. OTLP asks for the first two; the others come at no cost. */
export const CONTENT_ENCODINGS = ["gzip", "zstd", "deflate"] as const;
export type ContentEncoding = (typeof CONTENT_ENCODINGS)[number];
export type Encoding = "identity" | ContentEncoding;

/** For `Accept-Encoding`, with a refusal of what is not among them. */
export const KNOWN_ENCODINGS: string = CONTENT_ENCODINGS.join(", ");

const ENCODINGS: ReadonlyMap<string, Encoding> = new Map([
  ["", "identity"],
  ["identity", "identity"],
  ["gzip", "gzip"],
  ["x-gzip", "gzip"], // RFC 9110, 8.4.1.3
  ["zstd", "zstd"],
  ["deflate", "deflate"],
  ["zlib", "deflate"], // the name under which the Collector sends the same
]);

/**
 * Of `grpc-encoding` or `Content-Encoding`; undefined for what is not known, and for several on top
 * of each other.
 */
export function parseEncoding(text: string | undefined): Encoding | undefined {
  if (text === undefined) return "identity";
  return ENCODINGS.get(text) ?? ENCODINGS.get(text.trim().toLowerCase());
}
