import { allocOwned } from "../../core/bytes.ts";
import { bytesAhead } from "../../http2/message-reader.ts";
import type { Reception } from "./reception.ts";

const NOTHING = new Uint8Array(0);
const MIN_BUFFER_BYTES = 16_384;

/**
 * Puts a body together. Chunks are copied into one buffer, never kept in a list: a sender may send
 * one byte a chunk, and each would cost a hundred. Without a length, what the permit counts is the
 * buffer, not what is in it yet.
 */
export class HttpBody {
  readonly #reception: Reception;
  /** `Content-Length`, which the reception knows already; undefined for a chunked body. */
  readonly #length: number | undefined;
  #buffer: Uint8Array = NOTHING;
  #filled = 0;

  constructor(reception: Reception, length: number | undefined) {
    this.#reception = reception;
    this.#length = length;
  }

  /**
   * Takes a chunk, unless the reception refuses the request for it. A chunk that is alone is kept
   * as it is.
   */
  add(chunk: Uint8Array): void {
    const total = this.#filled + chunk.length;
    const bytes = total > this.#buffer.length ? this.#capacityFor(chunk.length, total) : 0;
    if (this.#length !== undefined) this.#reception.hold(total);
    else if (bytes > 0) this.#reception.widen(bytes, total);
    if (this.#reception.over) return;
    if (bytes === chunk.length) this.#buffer = chunk;
    else if (bytes > 0) this.#move(bytes);
    if (this.#buffer !== chunk) this.#buffer.set(chunk, this.#filled);
    this.#filled = total;
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
    const doubled = 2 * this.#buffer.length;
    if (this.#length !== undefined) return Math.min(this.#length, Math.max(bytesAhead(bytes), total, doubled));
    if (this.#filled === 0) return bytes;
    return Math.max(total, Math.min(this.#reception.maxBytes, Math.max(MIN_BUFFER_BYTES, doubled)));
  }

  #move(bytes: number): void {
    const old = this.#buffer;
    this.#buffer = allocOwned(bytes);
    this.#buffer.set(old.subarray(0, this.#filled), 0);
    if (this.#length === undefined) this.#reception.release(old.length);
  }

  #trimmed(view: Uint8Array, bytes: number): Uint8Array {
    const copy = new Uint8Array(view);
    this.#reception.release(bytes);
    return copy;
  }
}
