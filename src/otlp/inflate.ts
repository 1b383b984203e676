import type { BodyMemory, Extent } from "../core/arena/extent.ts";
import { SCRATCH } from "../core/bytes.ts";
import { type Decoded, decodeHere, decodeInPool, TOO_LONG_CODE } from "./decoder.ts";
import type { ContentEncoding } from "./encoding.ts";
import { InflatedBody } from "./inflated-body.ts";

/** Bounds what inflation may use, and has the place for its result. */
export interface InflateBudget extends BodyMemory {
  /** Largest inflated body. */
  readonly maxBytes: number;
  /** Takes `bytes` from what all requests share; false when there is not so much left. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export type InflateResult =
  | { readonly ok: true; readonly body: Extent }
  | { readonly ok: false; readonly kind: "too_large" | "corrupt" | "no_memory"; readonly message: string };

/**
 * Inflates a body within a budget, which is asked before memory is used. When it went well, the
 * result is the caller's to release, and its length stays reserved and is to be released with it;
 * otherwise nothing stays reserved, and no place is kept. `done` is called once; for small bodies
 * before this function returns. `body` must not change until then.
 */
export function inflate(
  encoding: ContentEncoding,
  body: Uint8Array,
  budget: InflateBudget,
  done: (result: InflateResult) => void,
): void {
  const largest = Math.min(budget.maxBytes, body.length * EXPANSION[encoding] + 64);
  const usual = Math.min(largest, Math.max(MIN_TRY_BYTES, USUAL_EXPANSION * body.length));
  if (!budget.reserve(usual)) {
    done(noMemory(usual));
    return;
  }
  const finish = (result: InflateResult, reserved: number): void => {
    budget.release(result.ok ? reserved - result.body.bytes.length : reserved);
    done(result);
  };
  const tried = { encoding, body, memory: budget };
  const where = body.length <= SYNC_BYTES ? "here" : "pool";
  new Inflation({ ...tried, cap: usual, where }, (first) => {
    if (first.ok || first.kind !== "too_large" || usual === largest) finish(first, usual);
    else if (!budget.reserve(largest - usual)) finish(noMemory(largest), usual);
    else new Inflation({ ...tried, cap: largest, where: "pool" }, (second) => finish(second, largest)).step();
  }).step();
}

/**
 * Bodies up to this size are inflated on the spot: 45 KB of gzip become 370 KB in 0.4 ms here, and
 * nothing becomes more than 1 MiB (USUAL_EXPANSION), which takes about one. The thread pool costs
 * 0.1 ms of CPU before it begins.
 */
const SYNC_BYTES = 64 * 1024;
const MIN_TRY_BYTES = 64 * 1024;
/** OTLP compresses 5 to 15 times. */
const USUAL_EXPANSION = 16;
/** What one byte can become at most: deflate's 1032; zstd's block of 128 KiB from four bytes. */
const EXPANSION: Readonly<Record<ContentEncoding, number>> = { gzip: 1_032, deflate: 1_032, zstd: 32_768 };
/** A zstd body of more frames than that is hostile: each costs a decoder. */
const MAX_FRAMES = 64;

interface InflationOptions {
  readonly encoding: ContentEncoding;
  readonly body: Uint8Array;
  readonly memory: BodyMemory;
  readonly cap: number;
  readonly where: "here" | "pool";
}

/**
 * One try with one cap. node:zlib goes on to the next member of gzip by itself, but not reliably to
 * zstd's next frame. Where the format tells how long the result is, it is written where it stays.
 */
class Inflation {
  readonly #options: InflationOptions;
  readonly #done: (result: InflateResult) => void;
  readonly #out: InflatedBody;
  #taken = 0;
  #frames = 0;
  /** What the body tells of its length was not true, or said of its last member only. */
  #misled = false;

  constructor(options: InflationOptions, done: (result: InflateResult) => void) {
    this.#options = options;
    this.#done = done;
    this.#out = new InflatedBody(options.memory, options.cap);
  }

  step(): void {
    const { encoding, where, cap } = this.#options;
    const body = this.#options.body.subarray(this.#taken);
    const left = cap - this.#out.length;
    const told = this.#misled ? undefined : toldLength(encoding, body);
    // One byte more, since node makes more memory as soon as all that it has is full.
    const place = told === undefined ? this.#placeFor(left) : this.#out.place(Math.min(left, told + 1));
    if (place === undefined) return this.#fail(noMemory(left));
    const mayBeLonger = told !== undefined && told < left;
    const decoding = { encoding, body, place, maxBytes: Math.max(1, mayBeLonger ? told : left) };
    if (where === "here") this.#take(decodeHere(decoding), mayBeLonger);
    else decodeInPool(decoding, (decoded) => this.#take(decoded, mayBeLonger));
  }

  /** Of what is inflated in this turn the length is known before others need a place. */
  #placeFor(left: number): Uint8Array | undefined {
    const fits = this.#options.where === "here" && left < SCRATCH.length;
    return fits ? SCRATCH.subarray(0, left + 1) : this.#out.place(Math.max(1, left));
  }

  #take(decoded: Decoded, mayBeLonger: boolean): void {
    if (!decoded.ok) {
      if (!mayBeLonger || codeOf(decoded.error) !== TOO_LONG_CODE) return this.#fail(this.#failure(decoded.error));
      this.#misled = true;
      return this.step();
    }
    const { encoding, body, cap } = this.#options;
    this.#taken += decoded.taken;
    this.#frames++;
    if (!decoded.pieces.every((piece) => this.#out.add(piece))) this.#fail(noMemory(this.#out.length));
    else if (this.#out.length > cap) this.#fail(this.#tooLarge());
    else if (this.#taken === body.length) this.#end();
    else if (encoding !== "zstd") this.#fail(this.#corrupt("bytes after the end"));
    else if (this.#frames === MAX_FRAMES) this.#fail(this.#corrupt(`more than ${MAX_FRAMES} frames`));
    else this.step();
  }

  #end(): void {
    const body = this.#out.take();
    this.#done(body === undefined ? noMemory(0) : { ok: true, body });
  }

  #fail(result: InflateResult): void {
    this.#out.drop();
    this.#done(result);
  }

  #failure(error: unknown): InflateResult {
    const code = codeOf(error);
    if (code === TOO_LONG_CODE) return this.#tooLarge();
    if (code === "Z_MEM_ERROR" || code === "ZSTD_error_memory_allocation") return noMemory(this.#options.cap);
    return this.#corrupt(error instanceof Error ? error.message : "unreadable");
  }

  #tooLarge(): InflateResult {
    const message = `the body is larger than ${this.#options.cap} bytes when inflated`;
    return { ok: false, kind: "too_large", message };
  }

  #corrupt(reason: string): InflateResult {
    return { ok: false, kind: "corrupt", message: `the body is not valid ${this.#options.encoding}: ${reason}` };
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function noMemory(bytes: number): InflateResult {
  return { ok: false, kind: "no_memory", message: `no memory to inflate the body: ${bytes} bytes were asked for` };
}

/**
 * How long the result is, where the format tells. Decoders check it, so a figure that is too large
 * ends in `corrupt`; gzip tells it of its last member, and modulo 2^32.
 */
function toldLength(encoding: ContentEncoding, body: Uint8Array): number | undefined {
  if (encoding === "deflate" || body.length < 18) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  if (encoding === "gzip") return view.getUint32(body.length - 4, true);
  // RFC 8878, 3.1.1.1: the frame header's descriptor says what follows it.
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return single ? view.getUint8(at) : undefined;
    case 1:
      return view.getUint16(at, true) + 256;
    default:
      return view.getUint32(at, true);
  }
}
