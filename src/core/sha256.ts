import { createHash } from "node:crypto";

export function sha256BytesOf(data: string | Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

/** In hex; of a text, that of its UTF-8. */
export function sha256Of(data: string | Uint8Array): string {
  return sha256BytesOf(data).toString("hex");
}
