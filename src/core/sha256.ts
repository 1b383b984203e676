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

/** In hex; of a text, that of its UTF-8. */
export function sha256Of(data: string | Uint8Array): string {
  return sha256BytesOf(data).toString("hex");
}

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
