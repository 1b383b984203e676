/** What an entry counts beyond its name and value: RFC 7541, 4.1. */
export const ENTRY_OVERHEAD = 32;

/**
 * The dynamic table of one direction of a connection (RFC 7541, 2.3.2 and 4): a ring, so that
 * adding and evicting cost the same at any size.
 */
export class DynamicTable {
  #names: string[] = [];
  #values: string[] = [];
  /** The slot of the newest entry, and how many there are. */
  #newest = -1;
  #count = 0;
  #bytes = 0;
  #maxBytes: number;
  #version = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  /** Changes with the table: what an index means holds as long as this is the same. */
  get version(): number {
    return this.#version;
  }

  /** From 0, the newest, to `count` - 1. */
  name(index: number): string {
    return this.#names[this.#slot(index)]!;
  }

  value(index: number): string {
    return this.#values[this.#slot(index)]!;
  }

  /**
   * Adds an entry and evicts the oldest until it fits; one that is larger than the table empties
   * it: RFC 7541, 4.4.
   */
  add(name: string, value: string): void {
    this.#version++;
    const bytes = name.length + value.length + ENTRY_OVERHEAD;
    this.#evictTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    if (this.#count === this.#names.length) this.#grow();
    this.#newest = (this.#newest + 1) % this.#names.length;
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#count++;
    this.#bytes += bytes;
  }

  resize(maxBytes: number): void {
    this.#version++;
    this.#maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #slot(index: number): number {
    const slot = this.#newest - index;
    return slot < 0 ? slot + this.#names.length : slot;
  }

  #evictTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = this.#slot(this.#count - 1);
      this.#bytes -= this.#names[oldest]!.length + this.#values[oldest]!.length + ENTRY_OVERHEAD;
      this.#names[oldest] = "";
      this.#values[oldest] = "";
      this.#count--;
    }
  }

  #grow(): void {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = this.#count - 1; i >= 0; i--) {
      names.push(this.name(i));
      values.push(this.value(i));
    }
    this.#newest = this.#count - 1;
    const slots = Math.max(16, this.#count * 2);
    while (names.length < slots) {
      names.push("");
      values.push("");
    }
    this.#names = names;
    this.#values = values;
  }
}
