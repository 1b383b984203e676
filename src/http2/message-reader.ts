import { allocOwned } from "../core/bytes.ts";
import { type BodyMemory, type Extent, OWN_BODIES, OwnExtent } from "../core/arena/extent.ts";
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

/**
 * Puts one length-prefixed message together from chunks in any split. The place of all but very
 * long messages is taken once, by the prefix, so that a chunk is copied once and never kept.
 */
export class MessageReader {
  readonly #guard: MessageGuard;
  readonly #memory: BodyMemory;
  #prefixRead = 0;
  #flag = 0;
  #length = 0;
  #body: Extent | undefined;
  #filled = 0;

  constructor(guard: MessageGuard, memory: BodyMemory = OWN_BODIES) {
    this.#guard = guard;
    this.#memory = memory;
  }

  /**
   * `refused`: by the guard, or for want of room. `excess`: there are bytes after the message.
   * After either, nothing more may be added.
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
    const body = this.#widen(this.#filled + more);
    if (body === undefined) return "refused";
    body.bytes.set(at === 0 ? chunk : chunk.subarray(at), this.#filled);
    this.#filled += more;
    return "read";
  }

  /** How it ended: `none` without one byte, `partial` within the prefix or the message. */
  get progress(): "none" | "partial" | "whole" {
    if (this.#prefixRead === 0) return "none";
    return this.#prefixRead === PREFIX_BYTES && this.#filled === this.#length ? "whole" : "partial";
  }

  /** The message, to be released by the caller; meaningful when `progress` is `whole`. */
  take(): Extent {
    const body = this.#body ?? EMPTY;
    this.#body = undefined;
    return body;
  }

  /** Lets go of what has come. */
  drop(): void {
    this.#body?.release();
    this.#body = undefined;
  }

  get compressed(): boolean {
    return this.#flag === 1;
  }

  /** Where the message is, and so many bytes of it have room. */
  #widen(bytes: number): Extent | undefined {
    if (!this.#guard.holds(bytes)) return undefined;
    const body = this.#body;
    const room = body === undefined ? 0 : body.bytes.length;
    if (body !== undefined && bytes <= room) return body;
    const ahead = Math.min(this.#length, Math.max(bytes, 2 * room, bytesAhead(bytes)));
    if (body !== undefined) return this.#memory.grow(body, ahead, this.#filled) ? body : undefined;
    this.#body = this.#memory.alloc(ahead, bytes === this.#length);
    return this.#body;
  }
}

/** Of a message without bytes. */
const EMPTY = new OwnExtent(allocOwned(0));

/** How much to allocate for a long body of which so much has come. */
export function bytesAhead(came: number): number {
  return Math.min(MAX_AHEAD_BYTES, Math.max(MIN_AHEAD_BYTES, AHEAD * came));
}
