import { allocOwned } from "../../core/bytes.ts";

/** The first bytes of a head that has not come whole; most need no more. */
const FIRST_BYTES = 1_024;

/**
 * A head that comes in pieces, in one piece: its lines are to be whole. Memory and work are twice
 * its bytes at most, however many pieces there are.
 */
export class GatheredHead {
  length = 0;
  #bytes: Buffer | undefined;

  /** Adds what is from `from` on, up to `most` bytes in all; a view of all that there is. */
  append(bytes: Buffer, from: number, most: number): Buffer {
    const before = this.length;
    const total = Math.min(before + bytes.length - from, most);
    let gathered = this.#bytes;
    if (gathered === undefined || gathered.length < total) {
      const longer = allocOwned(Math.max(total, Math.min(most, Math.max(FIRST_BYTES, 2 * before))));
      gathered?.copy(longer, 0, 0, before);
      gathered = longer;
    }
    bytes.copy(gathered, before, from, from + total - before);
    this.#bytes = gathered;
    this.length = total;
    return gathered.subarray(0, total);
  }

  clear(): void {
    this.#bytes = undefined;
    this.length = 0;
  }
}
