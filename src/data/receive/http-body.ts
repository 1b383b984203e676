import type { Refusal } from "../../core/reason.ts";
import type { Reception } from "./reception.ts";

const NOTHING = new Uint8Array(0);
const MIN_BUFFER_BYTES = 16_384;

/**
 * Puts a body together. Chunks are copied into one buffer, never kept in a list: a sender may send one byte a chunk, and each would
 * cost a hundred. What the permit counts is the buffer, not what is in it yet.
 */
export class HttpBody {
  readonly #reception: Reception;
  /** `Content-Length`, which the permit has already; undefined for a chunked body. */
  readonly #length: number | undefined;
  #buffer: Uint8Array = NOTHING;
  #filled = 0;

  constructor(reception: Reception, length: number | undefined) {
    this.#reception = reception;
    this.#length = length;
  }

  /** Why the chunk cannot be taken; undefined when it was. A chunk that is alone is kept as it is. */
  add(chunk: Uint8Array): Refusal | undefined {
    const total = this.#filled + chunk.length;
    if (total > this.#buffer.length) {
      const bytes = this.#capacityFor(chunk.length, total);
      const refusal = this.#length === undefined ? this.#reception.room(bytes, total) : undefined;
      if (refusal !== undefined) return refusal;
      if (bytes === chunk.length) this.#buffer = chunk;
      else this.#move(bytes);
    }
    if (this.#buffer !== chunk) this.#buffer.set(chunk, this.#filled);
    this.#filled = total;
    return undefined;
  }

  /** The body, owned by the caller. */
  take(): Uint8Array {
    const whole = this.#buffer;
    this.#buffer = NOTHING;
    if (this.#filled === whole.length) return whole;
    const view = whole.subarray(0, this.#filled);
    // A view keeps its whole buffer alive, maybe for as long as a queue holds the request.
    return this.#reception.reserve(view.length) ? this.#trimmed(view, whole.length) : view;
  }

  /** Forgets what is there: the request was refused. */
  drop(): void {
    this.#buffer = NOTHING;
    this.#filled = 0;
  }

  #capacityFor(bytes: number, total: number): number {
    if (this.#length !== undefined) return this.#length;
    if (this.#filled === 0) return bytes;
    return Math.max(total, Math.min(this.#reception.maxBytes, Math.max(MIN_BUFFER_BYTES, 2 * this.#buffer.length)));
  }

  #move(bytes: number): void {
    const old = this.#buffer;
    this.#buffer = Buffer.allocUnsafe(bytes);
    this.#buffer.set(old.subarray(0, this.#filled), 0);
    this.#reception.release(old.length);
  }

  #trimmed(view: Uint8Array, bytes: number): Uint8Array {
    const copy = new Uint8Array(view);
    this.#reception.release(bytes);
    return copy;
  }
}
