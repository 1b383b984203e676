import { Missed } from "../node-limits/node-limit.ts";

/**
 * What the stores of a pool may hold together, and do: of records from when they enter to their
 * end.
 */
export class Room {
  /** This process's part of `wholeBytes`. May be lowered below what is held. */
  maxBytes: number;
  /** The limit of the node. */
  wholeBytes: number;
  /**
   * While so many items are held nothing more enters: so there may be more by those of one request.
   */
  maxItems = Infinity;
  /** What found as many items here. */
  readonly missedItems = new Missed();
  /** Bytes that found no room. */
  readonly missed = new Missed();
  bytes = 0;
  items = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.wholeBytes = maxBytes;
  }

  get isFullOfItems(): boolean {
    return this.items >= this.maxItems;
  }

  reserve(bytes: number, items: number): boolean {
    if (!this.fits(bytes)) return false;
    this.bytes += bytes;
    this.items += items;
    return true;
  }

  /**
   * Whether there is room, and so much `kept` besides. While it holds nothing, a part takes one
   * that is longer than itself.
   */
  fits(bytes: number, reserved = 0, kept = 0): boolean {
    const held = this.bytes + reserved;
    return bytes <= this.maxBytes - held - kept || (held === 0 && bytes <= this.wholeBytes);
  }

  free(bytes: number, items: number): void {
    this.bytes -= bytes;
    this.items -= items;
  }
}
