import { allocBody, allocOwned } from "../core/bytes.ts";
/** Who reads a message: told of its prefix before any byte of it is kept. */
export interface MessageGuard {
  /**
   * The length-prefixed message begins (grpc/doc/PROTOCOL-HTTP2.md). False: its bytes are not
   * wanted.
   */
  begins(flag: number, bytes: number): boolean;
  /** So many bytes of the message are about to be held. False: they are not wanted. */
  holds(bytes: number): boolean;
}

const PREFIX_BYTES = 5;
/**
 * A buffer is so many times as long as what came of the message with its prefix: who only announces
 * makes nobody allocate.
 */
const AHEAD = 32;
/** Nobody sends many pieces as short as this in good faith. */
const MIN_AHEAD_BYTES = 4_096;
const MAX_AHEAD_BYTES = 1_048_576;
const NOTHING = new Uint8Array(0);

/**
 * Puts one length-prefixed message together from chunks in any split. The buffer of all but very
 * long messages is allocated once, by the prefix, so that a chunk is copied once and never kept.
 */
export class MessageReader {
  readonly #guard: MessageGuard;
  #prefixRead = 0;
  #flag = 0;
  #length = 0;
  #body: Uint8Array = NOTHING;
  #filled = 0;

  constructor(guard: MessageGuard) {
    this.#guard = guard;
  }

  /**
   * `refused`: by the guard. `excess`: there are bytes after the message. After either, nothing
   * more may be added.
   */
  add(chunk: Uint8Array): "read" | "refused" | "excess" {
    let at = 0;
    while (this.#prefixRead < PREFIX_BYTES) {
      if (at === chunk.length) return "read";
      const byte = chunk[at++]!;
      if (this.#prefixRead === 0) this.#flag = byte;
      else this.#length = this.#length * 256 + byte;
      if (++this.#prefixRead === PREFIX_BYTES && !this.#guard.begins(this.#flag, this.#length)) return "refused";
    }
    const more = chunk.length - at;
    if (more > this.#length - this.#filled) return "excess";
    if (more === 0) return "read";
    if (!this.#widen(this.#filled + more)) return "refused";
    this.#body.set(at === 0 ? chunk : chunk.subarray(at), this.#filled);
    this.#filled += more;
    return "read";
  }

  /** How it ended: `none` without one byte, `partial` within the prefix or the message. */
  get progress(): "none" | "partial" | "whole" {
    if (this.#prefixRead === 0) return "none";
    return this.#prefixRead === PREFIX_BYTES && this.#filled === this.#length ? "whole" : "partial";
  }

  /** The message, owned by the caller; meaningful when `progress` is `whole`. */
  take(): Uint8Array {
    const body = this.#body;
    this.#body = NOTHING;
    return body;
  }

  get compressed(): boolean {
    return this.#flag === 1;
  }

  #widen(bytes: number): boolean {
    if (!this.#guard.holds(bytes)) return false;
    if (bytes <= this.#body.length) return true;
    const ahead = Math.min(this.#length, Math.max(bytes, 2 * this.#body.length, bytesAhead(bytes)));
    // What has come whole has a deadline, or is copied where it is acknowledged without one. What
    // has not may never come to its end.
    const wider = bytes === this.#length ? allocBody(ahead) : allocOwned(ahead);
    if (this.#filled > 0) wider.set(this.#body.subarray(0, this.#filled));
    this.#body = wider;
    return true;
  }
}

/** How much to allocate for a long body of which so much has come. */
export function bytesAhead(came: number): number {
  return Math.min(MAX_AHEAD_BYTES, Math.max(MIN_AHEAD_BYTES, AHEAD * came));
}
