import type { HeaderList } from "../contract.ts";
import { ANY_VERSION, BlockCache } from "./block-cache.ts";
import { BlockReader } from "./block-reader.ts";
import { DynamicTable, ENTRY_OVERHEAD } from "./dynamic-table.ts";
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/**
 * A header block and what `examine` said of it. Without `facts` it went over a limit, and `headers`
 * is empty.
 */
interface DecodedBlock<Facts> {
  readonly headers: HeaderList;
  readonly facts: Facts | undefined;
}

interface HpackLimits {
  /** Names and values and 32 bytes for each field, as RFC 9113, 6.5.2 counts. */
  readonly maxListBytes: number;
  readonly maxFields: number;
  /** What the peer may make of the dynamic table until `limitTable` says otherwise. */
  readonly tableBytes: number;
}

/**
 * A list of more than so many times the limit ends the connection: reading it to its end is what
 * its sender wants.
 */
const FAR_ABOVE = 4;

/**
 * Decodes the header blocks of one connection (RFC 7541). A block over a limit is read to its end
 * all the same, because the dynamic table has to follow the peer's; its strings are not kept. One
 * that is far above is given up. `examine` is called once for each different list.
 */
export class HpackDecoder<Facts> {
  readonly #limits: HpackLimits;
  readonly #examine: (headers: HeaderList) => Facts;
  readonly #table: DynamicTable;
  readonly #cache = new BlockCache<DecodedBlock<Facts>>();
  readonly #reader = new BlockReader();
  #tableLimit: number;
  /** The fields of the block under way, their size, and whether they went over a limit. */
  #list: string[] = [];
  #listBytes = 0;
  #oversized = false;
  #readsTable = false;

  /** The last block was given up because it stands for a list far above the limit. */
  get gaveUp(): boolean {
    return this.#listBytes > FAR_ABOVE * this.#limits.maxListBytes;
  }

  /**
   * The table begins with `startBytes` (RFC 9113, 6.5.2: 4,096), which the peer may raise to
   * `limits.tableBytes`.
   */
  constructor(limits: HpackLimits, startBytes: number, examine: (headers: HeaderList) => Facts) {
    this.#limits = limits;
    this.#examine = examine;
    this.#tableLimit = limits.tableBytes;
    this.#table = new DynamicTable(startBytes);
  }

  /**
   * The peer acknowledged a setting. When its table is larger, its next block must begin by making
   * it smaller: RFC 7541, 4.2.
   */
  limitTable(bytes: number): void {
    this.#tableLimit = bytes;
  }

  /** Entries in the dynamic table, and their bytes. */
  get table(): { readonly count: number; readonly bytes: number; readonly maxBytes: number } {
    return this.#table;
  }

  /**
   * Undefined when the block breaks RFC 7541, or was given up: the connection is over, because the
   * tables differ from now on.
   */
  decode(bytes: Uint8Array, start: number, end: number): DecodedBlock<Facts> | undefined {
    const tooLarge = this.#table.maxBytes > this.#tableLimit;
    if (!tooLarge) {
      const known = this.#cache.find(bytes, start, end, this.#table.version);
      if (known !== undefined) return known;
    }
    const versionBefore = this.#table.version;
    const reader = this.#reader;
    reader.begin(bytes, start, end);
    this.#list = [];
    this.#listBytes = 0;
    this.#oversized = false;
    this.#readsTable = false;
    this.#readTableSizes();
    if (this.#table.maxBytes > this.#tableLimit) reader.failed = true;
    while (!reader.atEnd && !reader.failed && !this.gaveUp) this.#readField();
    if (this.gaveUp) return undefined;
    reader.finish();
    if (reader.failed) return undefined;
    const block = this.#block();
    if (this.#table.version === versionBefore)
      this.#cache.keep(bytes, start, end, this.#versionOf(versionBefore), block);
    return block;
  }

  #block(): DecodedBlock<Facts> {
    if (this.#oversized) return { headers: [], facts: undefined };
    return { headers: this.#list, facts: this.#examine(this.#list) };
  }

  /** For which version of the table the block holds. */
  #versionOf(version: number): number {
    return this.#readsTable ? version : ANY_VERSION;
  }

  /** Size updates: only before the first field, and within the limit (RFC 7541, 4.2 and 6.3). */
  #readTableSizes(): void {
    const reader = this.#reader;
    while (!reader.atEnd && (reader.next & 0xe0) === 0x20) {
      const bytes = reader.integer(5);
      if (bytes < 0 || bytes > this.#tableLimit) {
        reader.failed = true;
        return;
      }
      this.#table.resize(bytes);
    }
  }

  #readField(): void {
    const reader = this.#reader;
    const byte = reader.next;
    if (byte >= 0x80) {
      const index = reader.integer(7);
      this.#add(this.#nameAt(index), this.#valueAt(index));
      return;
    }
    const indexing = byte >= 0x40;
    if (!indexing && byte >= 0x20) {
      reader.failed = true; // a size update after a field
      return;
    }
    // Without indexing and never indexed are the same to who passes nothing on.
    const index = reader.integer(indexing ? 6 : 4);
    const name = index === 0 ? reader.text() : this.#nameAt(index);
    const value = reader.text();
    if (reader.failed) return;
    if (indexing) this.#table.add(name, value);
    this.#add(name, value);
  }

  #add(name: string, value: string): void {
    this.#listBytes += name.length + value.length + ENTRY_OVERHEAD;
    if (this.#oversized) return;
    this.#oversized = this.#listBytes > this.#limits.maxListBytes || this.#list.length >= this.#limits.maxFields * 2;
    if (this.#oversized) this.#list = [];
    else this.#list.push(name, value);
  }

  #nameAt(index: number): string {
    if (index <= STATIC_ENTRIES && index > 0) return STATIC_NAMES[index]!;
    return this.#inTable(index) ? this.#table.name(index - STATIC_ENTRIES - 1) : "";
  }

  #valueAt(index: number): string {
    if (index <= STATIC_ENTRIES && index > 0) return STATIC_VALUES[index]!;
    return this.#inTable(index) ? this.#table.value(index - STATIC_ENTRIES - 1) : "";
  }

  /** Whether a dynamic entry has this index; index 0 has none: RFC 7541, 6.1. */
  #inTable(index: number): boolean {
    this.#readsTable = true;
    if (index > STATIC_ENTRIES && index <= STATIC_ENTRIES + this.#table.count) return true;
    this.#reader.failed = true;
    return false;
  }
}
