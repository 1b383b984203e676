import { createHash } from "node:crypto";
import { encodeText } from "./encoded-text.ts";

/** Of a text, that of its UTF-8. */
export function sha256BytesOf(data: string | Uint8Array): Buffer {
  return digestOf([data]);
}

/** In hex, of texts one after the other. */
export function sha256OfParts(parts: readonly string[]): string {
  return digestOf(parts).toString("hex");
}

/** In hex; of a text, that of its UTF-8. Of the long text that was asked for last it is known. */
export function sha256Of(data: string | Uint8Array): string {
  if (typeof data !== "string" || data.length < LONG) return sha256BytesOf(data).toString("hex");
  if (last?.text !== data) last = { text: data, sha256: sha256BytesOf(data).toString("hex") };
  return last.sha256;
}

/** The text with this digest, if it is the long one that was hashed last. */
export function textWithSha256(sha256: string): string | undefined {
  return last?.sha256 === sha256 ? last.text : undefined;
}

/** In UTF-16 units. */
const LONG = 65_536;

/**
 * A document that is changed is hashed in many places, and the newest is what runs or is about to:
 * it is held anyhow.
 */
let last: { readonly text: string; readonly sha256: string } | undefined;

function digestOf(parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) {
    if (typeof part !== "string") hash.update(part);
    else {
      using encoded = encodeText(part);
      hash.update(encoded.bytes);
    }
  }
  return hash.digest();
}
