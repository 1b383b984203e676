import { createHash } from "node:crypto";
import { piecesOf } from "./text-pieces.ts";

export function sha256BytesOf(data: string | Uint8Array): Buffer {
  // As a whole a text would take three times its length outside of the heap for a moment.
  return digestOf(typeof data === "string" ? piecesOf(data) : [data]);
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
  for (const part of parts) hash.update(part);
  return hash.digest();
}
