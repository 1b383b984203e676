import type { BlockWriter } from "./block-writer.ts";
import { STATIC_BY_NAME } from "./static-table.ts";

/** First bits of the representations of RFC 7541, section 6. */
export const PATTERN = {
  INDEXED: 0x80,
  INDEXING: 0x40,
  SIZE_UPDATE: 0x20,
  NEVER_INDEXED: 0x10,
  WITHOUT_INDEXING: 0x00,
} as const;

/** A field as a literal, its name by the static table where it has it: RFC 7541, 6.2. */
export function writeLiteral(writer: BlockWriter, pattern: number, name: string, value: string): void {
  const index = STATIC_BY_NAME.get(name) ?? 0;
  writer.integer(pattern, pattern === PATTERN.INDEXING ? 6 : 4, index);
  if (index === 0) writer.text(name);
  writer.text(value);
}
