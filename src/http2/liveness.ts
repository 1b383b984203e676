export interface LivenessOptions {
  /** After this time without a byte from the peer it is asked for an answer; 0: never. */
  readonly timeMs: number;
  /** No answer within this time: the peer is lost. */
  readonly timeoutMs: number;
}

/** Longer than this no server can ask for. */
const LONGEST_MS = 7_200_000;
const TOO_MANY_PINGS = "too_many_pings";

/**
 * How often the connections of one client ask: half as often from each time on that the peer said
 * it is too often (gRPC A8).
 */
export class PingPolicy implements LivenessOptions {
  readonly timeoutMs: number;
  #timeMs: number;

  constructor({ timeMs, timeoutMs }: LivenessOptions) {
    this.#timeMs = timeMs;
    this.timeoutMs = timeoutMs;
  }

  get timeMs(): number {
    return this.#timeMs;
  }

  /** `debug` is that of a GOAWAY. */
  heed(debug: string): void {
    if (debug === TOO_MANY_PINGS) this.#timeMs = Math.min(2 * this.#timeMs, Math.max(LONGEST_MS, this.#timeMs));
  }
}

/**
 * A call that had no less time than this, and in which no byte came, tells that its connection may
 * be dead.
 */
const TELLING_SILENCE_MS = 1_000;

/**
 * Whether a connection is to be replaced after a call that timed out on it. Bytes are those that
 * the peer has sent so far.
 */
export function wasSilent(bytesBefore: number, bytesNow: number, timeoutMs: number): boolean {
  return bytesNow === bytesBefore && timeoutMs >= TELLING_SILENCE_MS;
}

/**
 * Notices a peer that is gone without a word. Looks once in `timeMs` whether bytes came, which
 * costs nothing per frame, so that the PING goes out between one and two times `timeMs` after the
 * last byte. Pure: its owner has the timer.
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

  /** When to check again. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Checks, at `dueMs` or later. `wanted`: whether it matters now that the peer is there. */
  check(nowMs: number, bytesRead: number, wanted: boolean): "well" | "ping" | "lost" {
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
