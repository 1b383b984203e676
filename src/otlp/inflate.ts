import {
  constants,
  gunzip,
  gunzipSync,
  inflateRaw,
  inflateRawSync,
  zstdDecompress,
  zstdDecompressSync,
} from "node:zlib";
import { inflate as unzlib, inflateSync as unzlibSync } from "node:zlib";

export const CONTENT_ENCODINGS = ["gzip", "deflate", "zstd"] as const;
export type ContentEncoding = (typeof CONTENT_ENCODINGS)[number];

/** Bounds what inflation may use. */
export interface InflateBudget {
  /** Largest inflated body. */
  readonly maxBytes: number;
  /** Takes `bytes` from what all requests share; false when there is not so much left. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export type InflateResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly kind: "too_large" | "corrupt" | "no_memory"; readonly message: string };

/**
 * Inflates a body within a budget, which is asked before memory is used. When it went well,
 * `bytes.length` stays reserved and is the caller's to release once it lets go of the bytes;
 * otherwise nothing stays reserved. `done` is called once; for small bodies before this function
 * returns. `body` must not change until then.
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
    budget.release(result.ok ? reserved - result.bytes.length : reserved);
    done(result);
  };
  new Inflation(encoding, body, usual, body.length <= SYNC_BYTES ? "here" : "pool", (first) => {
    if (first.ok || first.kind !== "too_large" || usual === largest) finish(first, usual);
    else if (!budget.reserve(largest - usual)) finish(noMemory(largest), usual);
    else new Inflation(encoding, body, largest, "pool", (second) => finish(second, largest)).step();
  }).step();
}

/**
 * Bodies up to this size are inflated on the spot. Measured with OTLP/JSON texts: 13 KB of gzip
 * become 64 KB in 63 µs here, while the thread pool costs 110 µs of CPU before it begins.
 */
const SYNC_BYTES = 16 * 1024;
const MIN_TRY_BYTES = 64 * 1024;
/** OTLP compresses 5 to 15 times. */
const USUAL_EXPANSION = 16;
/** What one byte can become at most: deflate's 1032; zstd's block of 128 KiB from four bytes. */
const EXPANSION: Readonly<Record<ContentEncoding, number>> = { gzip: 1_032, deflate: 1_032, zstd: 32_768 };
/** A zstd body of more frames than that is hostile: each costs a decoder. */
const MAX_FRAMES = 64;
/**
 * RFC 9659: a window of at most 8 MiB in HTTP. A decoder's window comes on top of the budget while
 * it runs.
 */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 23 };

/** What node:zlib gives with `info: true`. */
interface Report {
  readonly buffer: Uint8Array;
  /** `bytesWritten` is what the decoder took, not what it was given. */
  readonly engine: { readonly bytesWritten: number };
}
interface Options {
  readonly info: true;
  readonly maxOutputLength: number;
  readonly chunkSize: number;
  readonly params?: Readonly<Record<number, number>>;
}
interface Decoder {
  readonly sync: (body: Uint8Array, options: Options) => unknown;
  readonly pool: (body: Uint8Array, options: Options, done: (error: Error | null, report: unknown) => void) => void;
}

const GZIP: Decoder = { sync: gunzipSync, pool: gunzip };
const ZLIB: Decoder = { sync: unzlibSync, pool: unzlib };
const RAW_DEFLATE: Decoder = { sync: inflateRawSync, pool: inflateRaw };
const ZSTD: Decoder = { sync: zstdDecompressSync, pool: zstdDecompress };

/**
 * One try with one cap. node:zlib goes on to the next member of gzip by itself, but not reliably to
 * zstd's next frame.
 */
class Inflation {
  readonly #encoding: ContentEncoding;
  readonly #body: Uint8Array;
  readonly #cap: number;
  readonly #where: "here" | "pool";
  readonly #done: (result: InflateResult) => void;
  readonly #pieces: Uint8Array[] = [];
  #taken = 0;
  #given = 0;

  constructor(
    encoding: ContentEncoding,
    body: Uint8Array,
    cap: number,
    where: "here" | "pool",
    done: (result: InflateResult) => void,
  ) {
    this.#encoding = encoding;
    this.#body = body;
    this.#cap = cap;
    this.#where = where;
    this.#done = done;
  }

  step(): void {
    const rest = this.#body.subarray(this.#taken);
    const decoder = decoderOf(this.#encoding, rest);
    const left = this.#cap - this.#given;
    const chunkSize = Math.min(left, sizeHint(this.#encoding, rest)) + 64;
    const options: Options = { info: true, maxOutputLength: Math.max(1, left), chunkSize };
    const tuned = this.#encoding === "zstd" ? { ...options, params: ZSTD_PARAMS } : options;
    if (this.#where === "pool") {
      decoder.pool(rest, tuned, (error, report) => this.#take(error, report));
      return;
    }
    let report: unknown;
    try {
      report = decoder.sync(rest, tuned);
    } catch (error) {
      this.#take(error, undefined);
      return;
    }
    this.#take(null, report);
  }

  #take(error: unknown, report: unknown): void {
    if (error !== null || !isReport(report)) {
      this.#done(this.#failure(error));
      return;
    }
    this.#pieces.push(report.buffer);
    this.#taken += report.engine.bytesWritten;
    this.#given += report.buffer.length;
    if (this.#given > this.#cap) this.#done(this.#tooLarge());
    else if (this.#taken === this.#body.length) this.#done({ ok: true, bytes: join(this.#pieces, this.#given) });
    else if (this.#encoding !== "zstd") this.#done(this.#corrupt("bytes after the end"));
    else if (this.#pieces.length === MAX_FRAMES) this.#done(this.#corrupt(`more than ${MAX_FRAMES} frames`));
    else this.step();
  }

  #failure(error: unknown): InflateResult {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ERR_BUFFER_TOO_LARGE") return this.#tooLarge();
    if (code === "Z_MEM_ERROR" || code === "ZSTD_error_memory_allocation") return noMemory(this.#cap);
    return this.#corrupt(error instanceof Error ? error.message : "unreadable");
  }

  #tooLarge(): InflateResult {
    return { ok: false, kind: "too_large", message: `the body is larger than ${this.#cap} bytes when inflated` };
  }

  #corrupt(reason: string): InflateResult {
    return { ok: false, kind: "corrupt", message: `the body is not valid ${this.#encoding}: ${reason}` };
  }
}

function noMemory(bytes: number): InflateResult {
  return { ok: false, kind: "no_memory", message: `no memory to inflate the body: ${bytes} bytes were asked for` };
}

/**
 * "deflate" is zlib's format in HTTP (RFC 9110, 8.4.1.2), but some senders leave its two-byte
 * header out.
 */
function decoderOf(encoding: ContentEncoding, body: Uint8Array): Decoder {
  if (encoding === "gzip") return GZIP;
  if (encoding === "zstd") return ZSTD;
  const [first = 0, second = 0] = body;
  const zlibHeader = (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
  return zlibHeader ? ZLIB : RAW_DEFLATE;
}

/**
 * How large the result is, where the format tells, so that it is written once and not gathered from
 * chunks; decoders check the figure, so one that lies ends in `corrupt`.
 */
function sizeHint(encoding: ContentEncoding, body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  const guess = Math.max(1_024, 4 * body.length);
  if (encoding === "gzip" && body.length >= 18) return Math.max(64, view.getUint32(body.length - 4, true));
  if (encoding !== "zstd" || body.length < 18) return guess;
  // RFC 8878, 3.1.1.1: the frame header's descriptor says what follows it.
  const descriptor = view.getUint8(4);
  const single = (descriptor & 0x20) !== 0;
  const at = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return single ? Math.max(64, view.getUint8(at)) : guess;
    case 1:
      return view.getUint16(at, true) + 256;
    default:
      return Math.max(64, view.getUint32(at, true));
  }
}

/** One array of the right size; a guess that was far too large does not stay in memory. */
function join(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  if (only !== undefined && only.buffer.byteLength <= 2 * length + 128) return only;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function isReport(value: unknown): value is Report {
  return typeof value === "object" && value !== null && "buffer" in value && "engine" in value;
}
