import { sha256Of } from "../../core/sha256.ts";

const DIGITS = 16;

/** Of the ids of those who are seen, in their order: who sees the same has the same one. */
export function viewDigestOf(ids: readonly string[]): string {
  return sha256Of(ids.join("\n")).slice(0, DIGITS);
}
