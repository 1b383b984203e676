/**
 * What the stores of a pool may hold together, and do: of records from when they enter to their
 * end.
 */
export class Room {
  /** May be lowered below what is held. */
  maxBytes: number;
  bytes = 0;
  items = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  reserve(bytes: number, items: number): boolean {
    if (bytes > this.maxBytes - this.bytes) return false;
    this.bytes += bytes;
    this.items += items;
    return true;
  }

  free(bytes: number, items: number): void {
    this.bytes -= bytes;
    this.items -= items;
  }
}
