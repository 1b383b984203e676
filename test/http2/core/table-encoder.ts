import type { HeaderList } from "../../../src/http2/own/contract.ts";
import { BlockWriter, refuseWide } from "../../../src/http2/own/hpack/block-writer.ts";
import { DynamicTable, ENTRY_OVERHEAD } from "../../../src/http2/own/hpack/dynamic-table.ts";
import { type EncodeOptions, PATTERN, writeLiteral } from "../../../src/http2/own/hpack/encoder.ts";
import { STATIC_BY_FIELD, STATIC_ENTRIES } from "../../../src/http2/own/hpack/static-table.ts";

/** Fields that differ from request to request: in the table they would only push others out. */
const CHANGING: ReadonlySet<string> = new Set([
  "content-length",
  "grpc-timeout",
  "traceparent",
  "tracestate",
  "baggage",
]);

/**
 * Encodes with the dynamic table of one connection, as peers do, though we do not.
 * Its blocks must be sent in the order in which they were made, every one of them. Size
 * updates are the connection's to write.
 */
export class TableEncoder {
  readonly #table: DynamicTable;
  readonly #writer = new BlockWriter();
  /** The list that was encoded last without a change of the table, and its block. */
  #last: HeaderList | undefined = undefined;
  #lastOptions: EncodeOptions | undefined = undefined;
  #lastVersion = -1;
  #lastBlock: Uint8Array = new Uint8Array(0);

  constructor(tableBytes: number) {
    this.#table = new DynamicTable(tableBytes);
  }

  get table(): { readonly count: number; readonly bytes: number; readonly maxBytes: number } {
    return this.#table;
  }

  resize(tableBytes: number): void {
    this.#table.resize(tableBytes);
  }

  /**
   * Throws RangeError for characters above U+00FF, before anything is in the table. The same list
   * (by identity) is encoded once.
   */
  encode(headers: HeaderList, options?: EncodeOptions): Uint8Array {
    const version = this.#table.version;
    if (this.#last === headers && this.#lastOptions === options && this.#lastVersion === version)
      return this.#lastBlock;
    for (const text of headers) refuseWide(text);
    for (let i = 0; i < headers.length; i += 2) this.#field(headers[i]!, headers[i + 1]!, options);
    const block = this.#writer.take();
    if (this.#table.version !== version) return block;
    this.#last = headers;
    this.#lastOptions = options;
    this.#lastVersion = version;
    this.#lastBlock = block;
    return block;
  }

  #field(name: string, value: string, options: EncodeOptions | undefined): void {
    if (options?.sensitive?.has(name) === true) {
      writeLiteral(this.#writer, PATTERN.NEVER_INDEXED, name, value);
      return;
    }
    const index = STATIC_BY_FIELD.get(`${name}\n${value}`) ?? this.#find(name, value);
    if (index !== 0) {
      this.#writer.integer(PATTERN.INDEXED, 7, index);
      return;
    }
    const bytes = name.length + value.length + ENTRY_OVERHEAD;
    const adds = !CHANGING.has(name) && bytes * 2 <= this.#table.maxBytes;
    writeLiteral(this.#writer, adds ? PATTERN.INDEXING : PATTERN.WITHOUT_INDEXING, name, value);
    if (adds) this.#table.add(name, value);
  }

  /**
   * The index of a field in the dynamic table, or 0. The table has 128 entries at most, and a dozen
   * as a rule.
   */
  #find(name: string, value: string): number {
    const table = this.#table;
    for (let i = 0; i < table.count; i++) {
      if (table.value(i) === value && table.name(i) === name) return STATIC_ENTRIES + 1 + i;
    }
    return 0;
  }
}
