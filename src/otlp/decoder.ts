import {
  constants,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from "node:zlib";
import type { ContentEncoding } from "./encoding.ts";
import { ReusedEngine } from "./reused-engine.ts";

/** One try to inflate a body, or what is left of it. */
export interface Decoding {
  readonly encoding: ContentEncoding;
  readonly body: Uint8Array;
  /** Where the result is written, as far as it has room there, if the decoder can be told so. */
  readonly place: Uint8Array;
  /** Of more than this nothing is given, 1 or more. */
  readonly maxBytes: number;
}

export type Decoded =
  /** `taken` is what the decoder took of the body, not what it was given. */
  | { readonly ok: true; readonly pieces: readonly Uint8Array[]; readonly taken: number }
  | { readonly ok: false; readonly error: unknown };

/**
 * Inflates in this turn, with an engine that is kept, to the place. Where this version of node has
 * no such engine the result is in memory of its own, and somebody has to copy it.
 */
export function decodeHere(decoding: Decoding, keeps = true): Decoded {
  const { body, place, maxBytes } = decoding;
  const decoder = decoderOf(decoding);
  // What has ended one frame of zstd takes nothing at all for a whole one.
  if (!keeps || body.length === 0 || !decoder.kept.works) return decodeAlone(decoder, decoding);
  const worked = decoder.kept.run(body, place);
  if (!worked.ok) return worked;
  if (worked.written > maxBytes) return { ok: false, error: TOO_LONG };
  // Full to its last byte, a place does not tell whether there was more to come.
  if (worked.room === 0) return decodeAlone(decoder, decoding);
  return { ok: true, pieces: [place.subarray(0, worked.written)], taken: worked.taken };
}

function decodeAlone(decoder: Decoder, decoding: Decoding): Decoded {
  try {
    return reported(decoder.sync(decoding.body, optionsOf(decoding, false)));
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * The same in the thread pool. node:zlib makes memory for what it writes, and has no option that
 * names another. But what a stream writes to is a field of it, to which packages as common as npm's
 * own reader of archives keep node; so it is given the place there, and has memory of its own where
 * it has no such field (docs/decisions/0027-arena.md). The pool may write to `place` until `done`.
 * Between two pieces nothing is written.
 */
export function decodeInPool(decoding: Decoding, done: (decoded: Decoded) => void, aims: boolean = AIMS): void {
  const opened = decoderOf(decoding).open(optionsOf(decoding, aims));
  const engine = aims ? aimed(opened, decoding.place) : opened;
  const pieces: Uint8Array[] = [];
  let given = 0;
  engine.on("data", (piece: Uint8Array) => {
    pieces.push(piece);
    given += piece.length;
    if (given > decoding.maxBytes) engine.destroy(TOO_LONG);
  });
  engine.once("error", (error) => done({ ok: false, error }));
  engine.once("end", () => done({ ok: true, pieces, taken: engine.bytesWritten }));
  engine.end(decoding.body);
}

/** What an error says that node:zlib gives for a result that is longer than it may be. */
export const TOO_LONG_CODE = "ERR_BUFFER_TOO_LARGE";
const TOO_LONG = Object.assign(new RangeError("more is inflated than may be"), { code: TOO_LONG_CODE });

/**
 * RFC 9659: a window of at most 8 MiB in HTTP. A decoder's window comes on top of the budget while
 * it runs.
 */
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: 23 };

type Options = NonNullable<Parameters<typeof createGunzip>[0] & Parameters<typeof createZstdDecompress>[0]>;
type Engine = ReturnType<typeof createGunzip | typeof createZstdDecompress>;

interface Decoder {
  readonly open: (options: Options) => Engine;
  readonly sync: (body: Uint8Array, options: Options) => unknown;
  readonly kept: ReusedEngine;
}

const GZIP: Decoder = { open: createGunzip, sync: gunzipSync, kept: keptInflater(createGunzip) };
const ZLIB: Decoder = { open: createInflate, sync: inflateSync, kept: keptInflater(createInflate) };
const RAW_DEFLATE: Decoder = { open: createInflateRaw, sync: inflateRawSync, kept: keptInflater(createInflateRaw) };
const ZSTD: Decoder = {
  open: createZstdDecompress,
  sync: zstdDecompressSync,
  kept: new ReusedEngine({
    open: () => createZstdDecompress({ chunkSize: MIN_CHUNK_BYTES, params: ZSTD_PARAMS }),
    finish: constants.ZSTD_e_end,
    between: "nothing",
  }),
};

function keptInflater(open: (options: Options) => Engine): ReusedEngine {
  return new ReusedEngine({
    open: () => open({ chunkSize: MIN_CHUNK_BYTES }),
    finish: constants.Z_FINISH,
    between: "reset",
  });
}

/**
 * "deflate" is zlib's format in HTTP (RFC 9110, 8.4.1.2), but some senders leave its two-byte
 * header out.
 */
function decoderOf({ encoding, body }: Decoding): Decoder {
  if (encoding === "gzip") return GZIP;
  if (encoding === "zstd") return ZSTD;
  const [first = 0, second = 0] = body;
  const zlibHeader = (first & 0x0f) === 8 && first >> 4 <= 7 && (first * 256 + second) % 31 === 0;
  return zlibHeader ? ZLIB : RAW_DEFLATE;
}

/** A decoder that is given a place makes as little memory as node lets it, before it gets that. */
function optionsOf({ encoding, place, maxBytes }: Decoding, aims: boolean): Options {
  const chunkSize = aims ? MIN_CHUNK_BYTES : Math.max(MIN_CHUNK_BYTES, place.length);
  const options = { info: true, maxOutputLength: maxBytes, chunkSize };
  return encoding === "zstd" ? { ...options, params: ZSTD_PARAMS } : options;
}

const MIN_CHUNK_BYTES = 64;

/** Of a stream: what it writes to, and how long that is. */
const FIELDS = { out: "_outBuffer", size: "_chunkSize" } as const;

function aimed(engine: Engine, place: Uint8Array): Engine {
  Reflect.set(engine, FIELDS.out, place);
  Reflect.set(engine, FIELDS.size, place.length);
  return engine;
}

/** Whether this version of node has them. */
const AIMS = hasFields(createInflate({ chunkSize: MIN_CHUNK_BYTES }));

function hasFields(engine: object): boolean {
  const out: unknown = Reflect.get(engine, FIELDS.out);
  return out instanceof Uint8Array && Reflect.get(engine, FIELDS.size) === out.length;
}

function reported(report: unknown): Decoded {
  if (isReport(report)) return { ok: true, pieces: [report.buffer], taken: report.engine.bytesWritten };
  return { ok: false, error: new TypeError("node:zlib gave no report") };
}

/** What node:zlib gives with `info: true`. */
interface Report {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

function isReport(value: unknown): value is Report {
  return typeof value === "object" && value !== null && "buffer" in value && value.buffer instanceof Uint8Array;
}
