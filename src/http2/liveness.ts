export interface LivenessOptions {
  /** After this time without a byte from the peer it is asked for an answer; 0: never. */
  readonly timeMs: number;
  /** No answer within this time: the peer is lost. */
  readonly timeoutMs: number;
}

/**
 * Notices a peer that is gone without a word. Looks once in `timeMs` whether bytes came, which costs nothing per frame,
 * so that the PING goes out between one and two times `timeMs` after the last byte. Pure: its owner has the timer.
 */
export class Liveness {
  readonly #options: LivenessOptions;
  #seenBytes: number;
  #asked = false;
  #dueMs: number;

  /** `bytesRead`: how many bytes the peer has sent so far, here and below. */
  constructor(options: LivenessOptions, nowMs: number, bytesRead: number) {
    this.#options = options;
    this.#seenBytes = bytesRead;
    this.#dueMs = options.timeMs <= 0 ? Number.POSITIVE_INFINITY : nowMs + options.timeMs;
  }

  /** When to look again. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Looks, at `dueMs` or later. `wanted`: whether it matters now that the peer is there. */
  look(nowMs: number, bytesRead: number, wanted: boolean): "well" | "ping" | "lost" {
    const heard = bytesRead !== this.#seenBytes; // any byte is a sign of life: an answer may stand behind a large message
    this.#seenBytes = bytesRead;
    if (this.#asked && !heard) {
      this.#dueMs = Number.POSITIVE_INFINITY;
      return "lost";
    }
    this.#asked = !this.#asked && !heard && wanted;
    this.#dueMs = nowMs + (this.#asked ? this.#options.timeoutMs : this.#options.timeMs);
    return this.#asked ? "ping" : "well";
  }
}
