import { textBrief } from "../../core/bytes.ts";
/**
 * FNV-1a over the UTF-8 bytes of a text, mixed. No seed: the same on every node. Unsigned 32 bits.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of textBrief(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return mix(hash);
}

/** Spreads each bit over all 32 (the end of MurmurHash3): a bijection. */
export function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
