import { allocOwned } from "../../../core/bytes.ts";

/** Large enough that memory is made seldom, as what a busy connection had to itself. */
const CHUNK_BYTES = 16_384;
/**
 * And what one gets while many others, to which the last so many new ones went, have something to
 * write: most write little.
 */
const SMALL_BYTES = 1_024;
const MANY = 32;
/** Less is not worth keeping. */
const LEAST_BYTES = 64;
/** More connections than that seldom have something to write in one turn. */
const MAX_SPARE = 256;

/**
 * Memory for what connections write: what one of them left of a chunk is written on by the next. So
 * only those that have something to write hold any; of a thousand connections, each with a chunk of
 * its own, it was 9 MB.
 */
class SpareChunks {
  /** Where the chunk that was taken last is free from. */
  at = 0;
  readonly #chunks: Uint8Array[] = [];
  readonly #freeFrom: number[] = [];
  /** Since one was left. */
  #made = 0;

  get count(): number {
    return this.#chunks.length;
  }

  /** One that has so many bytes from `at` on. */
  take(bytes: number): Uint8Array {
    const last = this.#chunks.pop();
    this.at = this.#freeFrom.pop() ?? 0;
    if (last !== undefined && last.length - this.at >= bytes) return last;
    this.at = 0;
    return allocOwned(Math.max(++this.#made > MANY ? SMALL_BYTES : CHUNK_BYTES, bytes));
  }

  /** Nobody has written, and nobody else will write, what is behind `at`. */
  leave(chunk: Uint8Array, at: number): void {
    this.#made = 0;
    if (chunk.length - at < LEAST_BYTES || this.#chunks.length >= MAX_SPARE) return;
    this.#chunks.push(chunk);
    this.#freeFrom.push(at);
  }
}

/** Of this process. */
export const spareChunks = new SpareChunks();
