import { joinOwned } from "../../../core/bytes.ts";
import type { HeaderList } from "../contract.ts";
import { BlockWriter } from "./block-writer.ts";
import { STATIC_BY_FIELD, STATIC_BY_NAME } from "./static-table.ts";

export interface EncodeOptions {
  /** Names of fields that no one on the way may put into a table: RFC 7541, 7.1.3. */
  readonly sensitive?: ReadonlySet<string>;
}

/**
 * A header block without use of the dynamic table: the same bytes mean the same on every connection
 * at any time, so that what is sent again and again is encoded once. Throws RangeError for
 * characters above U+00FF.
 */
export function encodeHeaders(headers: HeaderList, options: EncodeOptions = {}): Uint8Array {
  const writer = new BlockWriter();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    const never = options.sensitive?.has(name) === true;
    const index = never ? undefined : STATIC_BY_FIELD.get(`${name}\n${value}`);
    if (index !== undefined) writer.integer(PATTERN.INDEXED, 7, index);
    else writeLiteral(writer, never ? PATTERN.NEVER_INDEXED : PATTERN.WITHOUT_INDEXING, name, value);
  }
  return writer.take();
}

/**
 * A header block that begins with size updates, for a peer that made its table smaller: RFC 7541,
 * 4.2.
 */
export function withTableSizes(sizes: readonly number[], block: Uint8Array): Uint8Array {
  const writer = new BlockWriter();
  for (const bytes of sizes) writer.integer(PATTERN.SIZE_UPDATE, 5, bytes);
  return joinOwned([writer.take(), block]);
}

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
