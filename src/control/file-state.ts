import type { BigIntStats } from "node:fs";

/** Of a file, as far as the system tells: another one whenever its content may have changed. */
export function fileStateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
}
