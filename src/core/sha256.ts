import { createHash } from "node:crypto";
import { piecesOf } from "./text-pieces.ts";

export function sha256BytesOf(data: string | Uint8Array): Buffer {
  const hash = createHash("sha256");
  if (typeof data !== "string") return hash.update(data).digest();
  // As a whole it would take three times its length outside of the heap for a moment.
  for (const piece of piecesOf(data)) hash.update(piece);
  return hash.digest();
}

/** In hex; of a text, that of its UTF-8. */
export function sha256Of(data: string | Uint8Array): string {
  return sha256BytesOf(data).toString("hex");
}
