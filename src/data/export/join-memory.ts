import { allocOwned, joinBody } from "../../core/bytes.ts";

/** A body that is there in one piece, in memory that is used again. */
export interface JoinedBody {
  readonly bytes: Uint8Array;
  /** Nobody reads it any more. At most once; never, where that is not known. */
  giveBack(): void;
}

/** Shorter bodies have memory of their own, which costs little. */
const LEAST_BYTES = 16_384;
/** And longer ones, of which there are few. */
const MOST_BYTES = 4_194_304;
/** So much is kept while nobody uses it. */
const KEPT_BYTES = 33_554_432;

/**
 * Where bodies are put together for who has to have them in one piece, and does not tell at once
 * when it has read them. New memory for each is what costs: the system gives its pages one by one,
 * and V8 collects all of the heap to have them back.
 */
export class JoinMemory {
  /** What is free, by the power of two that it is long. */
  readonly #free = new Map<number, Buffer[]>();
  readonly #keptBytes: number;
  freeBytes = 0;

  constructor(keptBytes: number = KEPT_BYTES) {
    this.#keptBytes = keptBytes;
  }

  /** All of them one after the other, so many bytes. */
  join(pieces: readonly Uint8Array[], length: number): JoinedBody {
    if (length < LEAST_BYTES || length > MOST_BYTES) return { bytes: joinBody(pieces, length), giveBack: nothing };
    const memory = this.#take(2 ** Math.ceil(Math.log2(length)));
    let at = 0;
    for (const piece of pieces) {
      memory.set(piece, at);
      at += piece.length;
    }
    return { bytes: memory.subarray(0, length), giveBack: () => this.#leave(memory) };
  }

  /** So long, or as much longer as what is free makes it. */
  #take(size: number): Buffer {
    for (let each = size; each <= MOST_BYTES && this.freeBytes > 0; each *= 2) {
      const known = this.#free.get(each)?.pop();
      if (known === undefined) continue;
      this.freeBytes -= each;
      return known;
    }
    return allocOwned(size);
  }

  #leave(memory: Buffer): void {
    const size = memory.length;
    if (this.freeBytes + size > this.#keptBytes) return;
    this.freeBytes += size;
    const free = this.#free.get(size);
    if (free === undefined) this.#free.set(size, [memory]);
    else free.push(memory);
  }
}

function nothing(): void {}

/** Of all clients of this process. */
export const JOIN_MEMORY = new JoinMemory();
