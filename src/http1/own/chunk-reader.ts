import { ChunkExtension } from "./chunk-extension.ts";
import type { Breach, ChunkFault, HttpLimits } from "./contract.ts";
import { COLON, CR, hexDigit, LF, OCTETS, SEMICOLON, TOKEN, VALUE } from "./octets.ts";

type ChunkBreach = Breach<ChunkFault>;
type ChunkLimits = Pick<HttpLimits, "maxExtensionBytes" | "maxTrailerBytes">;

/** 4 GiB, which is more than any body may have. */
const MAX_SIZE_DIGITS = 8;

/** What is expected next. */
const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const TRAILER_NAME = 7;
const TRAILER_VALUE = 8;
const TRAILER_LF = 9;
const LAST_LF = 10;
const ENDED = 11;

/**
 * Reads one body in chunks (RFC 9112, 7.1). Extensions and trailers are held to the rules and
 * thrown away. A size is 1 to 8 hexadecimal digits with nothing around them.
 */
export class ChunkReader {
  breach: ChunkBreach | undefined;
  readonly #limits: ChunkLimits;
  #state = SIZE;
  #digits = 0;
  /** Of the size while it is read; of the chunk's data that is still to come. */
  #left = 0;
  #extension = NO_EXTENSION;
  #extensionBytes = 0;
  #trailerBytes = 0;
  /** As far as it has been read, in lower case. */
  #trailerName = "";

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
  }

  get ended(): boolean {
    return this.#state === ENDED;
  }

  /**
   * Goes on at `at` until something of the body was told, the body or the bytes have ended, or
   * there is a breach. Returns where it stopped.
   */
  read(bytes: Uint8Array, from: number, take: (data: Uint8Array) => void): number {
    let at = from;
    while (at < bytes.length && this.#state !== ENDED) {
      if (this.#state === DATA) {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = DATA_CR;
        take(bytes.subarray(at, end));
        return end;
      }
      this.breach = this.#state < TRAILER ? this.#step(bytes[at]!) : this.#stepTrailer(bytes[at]!);
      at++;
      if (this.breach !== undefined) break;
    }
    return at;
  }

  #step(byte: number): ChunkBreach | undefined {
    switch (this.#state) {
      case SIZE:
        return this.#stepSize(byte);
      case EXTENSION:
        return this.#stepExtension(byte);
      case SIZE_LF:
        if (byte !== LF) return breach("bad_chunk", "a CR without LF behind a chunk's size");
        this.#digits = 0;
        return this.#go(this.#left === 0 ? TRAILER : DATA);
      case DATA_CR:
        return byte === CR ? this.#go(DATA_LF) : breach("bad_chunk", "a chunk is longer than its size");
      default:
        this.#left = 0;
        return byte === LF ? this.#go(SIZE) : breach("bad_chunk", "a CR without LF behind a chunk");
    }
  }

  #stepSize(byte: number): ChunkBreach | undefined {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > MAX_SIZE_DIGITS) return breach("bad_chunk", "a chunk's size of more than 8 digits");
      this.#left = this.#left * 16 + digit;
      return undefined;
    }
    if (this.#digits > 0 && byte === CR) return this.#go(SIZE_LF);
    if (this.#digits > 0 && byte === SEMICOLON) {
      this.#extension = new ChunkExtension();
      return this.#go(EXTENSION);
    }
    return breach("bad_chunk", "a chunk's size is not hexadecimal digits alone");
  }

  #stepExtension(byte: number): ChunkBreach | undefined {
    if (byte === CR && this.#extension.mayEnd) return this.#go(SIZE_LF);
    if (++this.#extensionBytes > this.#limits.maxExtensionBytes)
      return breach("extensions_too_large", "the extensions of chunks are too long");
    return this.#extension.take(byte) ? undefined : breach("bad_chunk", "a chunk's extension is no name with a value");
  }

  #stepTrailer(byte: number): ChunkBreach | undefined {
    if (++this.#trailerBytes > this.#limits.maxTrailerBytes)
      return breach("trailers_too_large", "the trailers are too long");
    switch (this.#state) {
      case TRAILER:
        if (byte === CR) return this.#go(LAST_LF);
        this.#trailerName = "";
        this.#state = TRAILER_NAME;
        return this.#stepTrailerName(byte);
      case TRAILER_NAME:
        if (byte !== COLON) return this.#stepTrailerName(byte);
        return FORBIDDEN.has(this.#trailerName) ? FORBIDDEN_TRAILER : this.#go(TRAILER_VALUE);
      case TRAILER_VALUE:
        if (byte === CR) return this.#go(TRAILER_LF);
        return (OCTETS[byte]! & VALUE) === 0 ? BAD_TRAILER : undefined;
      case TRAILER_LF:
        return byte === LF ? this.#go(TRAILER) : BAD_TRAILER;
      default:
        return byte === LF ? this.#go(ENDED) : BAD_TRAILER;
    }
  }

  #stepTrailerName(byte: number): ChunkBreach | undefined {
    if ((OCTETS[byte]! & TOKEN) === 0) return BAD_TRAILER;
    if (this.#trailerName.length < LONGEST_FORBIDDEN) this.#trailerName += String.fromCharCode(byte).toLowerCase();
    return undefined;
  }

  #go(state: number): undefined {
    this.#state = state;
  }
}

const NO_EXTENSION = new ChunkExtension();

/** Where a message ends, and whose it is, was said in its head (RFC 9110, 6.5.1). */
const FORBIDDEN: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "host"]);
const LONGEST_FORBIDDEN = 18;
const FORBIDDEN_TRAILER = breach("bad_trailer", "a trailer is named as a header that says where a message ends");
const BAD_TRAILER = breach("bad_trailer", "the trailers are no lines of headers");

function breach(fault: ChunkFault, message: string): ChunkBreach {
  return { fault, message: `the body is not in chunks as RFC 9112, 7.1 has them: ${message}` };
}
