import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { countItems } from "../generated.ts";

import type { SinkEncoding } from "./sink-script.ts";

/** Longest body a sink reads, on the wire and inflated. */
export const MAX_BODY_BYTES = 134_217_728;

export interface SinkBody {
  readonly body: Uint8Array;
  readonly items: number;
  readonly malformed: boolean;
}

/**
 * Inflates and counts. What cannot be inflated or walked is malformed, with the bytes as they came.
 */
export function readBody(wire: Uint8Array, encoding: SinkEncoding, json: boolean): SinkBody {
  try {
    const body = inflate(wire, encoding);
    return { body, items: json ? 0 : countItems(body), malformed: false };
  } catch {
    return { body: wire, items: 0, malformed: true };
  }
}

function inflate(wire: Uint8Array, encoding: SinkEncoding): Uint8Array {
  if (encoding === "identity") return wire;
  const options = { maxOutputLength: MAX_BODY_BYTES };
  return encoding === "gzip" ? gunzipSync(wire, options) : zstdDecompressSync(wire, options);
}

/** How a body came, by a header; what a sink does not know counts as not compressed. */
export function encodingOf(header: string | undefined): SinkEncoding {
  return header === "gzip" || header === "zstd" ? header : "identity";
}

/** Headers as tests want to read them: lower-case names, joined values, no pseudo headers. */
export function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":")) continue;
    plain[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return plain;
}
