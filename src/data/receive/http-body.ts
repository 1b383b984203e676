import type { Extent } from "../../core/arena/extent.ts";
import { bytesAhead } from "../../http2/message-reader.ts";
import type { Reception } from "./reception.ts";

const MIN_BUFFER_BYTES = 16_384;

/**
 * Puts a body together. Chunks are copied into one place, never kept in a list: a sender may send
 * one byte a chunk, and each would cost a hundred. Without a length, what the permit counts is the
 * place, not what is in it yet.
 */
export class HttpBody {
  readonly #reception: Reception;
  /** `Content-Length`, which the reception knows already; undefined for a chunked body. */
  readonly #length: number | undefined;
  #body: Extent | undefined;
  #filled = 0;

  constructor(reception: Reception, length: number | undefined) {
    this.#reception = reception;
    this.#length = length;
  }

  /** All has come of which the length is known. */
  get isWhole(): boolean {
    return this.#filled === this.#length;
  }

  /** Takes a chunk, unless the reception refuses the request for it. */
  add(chunk: Uint8Array): void {
    const total = this.#filled + chunk.length;
    const bytes = total > this.#room ? this.#capacityFor(chunk.length, total) : 0;
    if (this.#length !== undefined) this.#reception.hold(total);
    else if (bytes > 0) this.#reception.widen(bytes, total);
    if (this.#reception.over) return;
    const body = bytes > 0 ? this.#move(bytes, total) : this.#body;
    if (body === undefined) return;
    body.bytes.set(chunk, this.#filled);
    this.#filled = total;
  }

  /**
   * The body, to be released by the caller; undefined when it has none, and was refused for that.
   */
  take(): Extent | undefined {
    const body = this.#body ?? this.#reception.alloc(0, true);
    this.#body = undefined;
    if (body === undefined || this.#filled === body.bytes.length) return body;
    this.#reception.release(body.bytes.length - this.#filled);
    this.#reception.trim(body, this.#filled);
    return body;
  }

  /** Forgets what is there: the request was refused, or somebody else has its body. */
  drop(): void {
    this.#body?.release();
    this.#body = undefined;
    this.#filled = 0;
  }

  get #room(): number {
    return this.#body === undefined ? 0 : this.#body.bytes.length;
  }

  #capacityFor(bytes: number, total: number): number {
    const doubled = 2 * this.#room;
    if (this.#length !== undefined) return Math.min(this.#length, Math.max(bytesAhead(bytes), total, doubled));
    if (this.#filled === 0) return bytes;
    return Math.max(total, Math.min(this.#reception.maxBytes, Math.max(MIN_BUFFER_BYTES, doubled)));
  }

  /** Undefined: there is no room, and the request was refused. */
  #move(bytes: number, total: number): Extent | undefined {
    const body = this.#body;
    if (body === undefined) return (this.#body = this.#reception.alloc(bytes, total === this.#length));
    const before = body.bytes.length;
    if (!this.#reception.grow(body, bytes, this.#filled)) return undefined;
    if (this.#length === undefined) this.#reception.release(before);
    return body;
  }
}
