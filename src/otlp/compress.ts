import { copyOwned, joinOwned, lengthOf, SCRATCH } from "../core/bytes.ts";
import { constants, createGzip, createZstdCompress, gzip, gzipSync, zstdCompress, zstdCompressSync } from "node:zlib";
import { ReusedEngine } from "./reused-engine.ts";

/** How what is sent may be compressed. */
export const COMPRESSIONS = ["gzip", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** The fastest; of protobuf that compresses well it takes off nearly as much as any. */
export const USUAL_LEVEL = 1;

export type CompressResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string };

/**
 * One gzip member, or one frame of zstd, of all pieces, one after the other. `done` is called once;
 * for small bodies before this function returns. The pieces must not change until then. Not ok only
 * when there is no memory.
 */
export function compress(
  compression: Compression,
  pieces: readonly Uint8Array[],
  done: (result: CompressResult) => void,
  level: number = USUAL_LEVEL,
): void {
  const length = lengthOf(pieces);
  if (length <= syncBytes(level)) {
    done(compressHere(compression, pieces, level));
    return;
  }
  const body = pieces.length === 1 ? pieces[0]! : joinOwned(pieces, length);
  const end = (error: Error | null, bytes: Uint8Array): void =>
    done(error === null ? { ok: true, bytes } : { ok: false, message: error.message });
  if (compression === "zstd") zstdCompress(body, zstdOptions(level), end);
  else gzip(body, { level }, end);
}

/**
 * 64 KiB take 0.3 ms here with gzip and 0.1 ms with zstd; the thread pool costs 0.1 ms of CPU
 * before it begins. The highest levels take ten times as long.
 */
function syncBytes(level: number): number {
  return level <= 3 ? MOST_SYNC_BYTES : MOST_SYNC_BYTES / 4;
}

const MOST_SYNC_BYTES = 64 * 1024;

function compressHere(compression: Compression, pieces: readonly Uint8Array[], level: number): CompressResult {
  const engine = keptEngine(compression, level);
  const body = pieces.length === 1 ? pieces[0]! : joinHere(pieces);
  if (!engine.works) return compressAlone(compression, body, level);
  // Either format adds a few bytes to what does not become shorter.
  const worked = engine.run(body, SCRATCH.subarray(MOST_SYNC_BYTES));
  if (worked.ok)
    return { ok: true, bytes: copyOwned(SCRATCH.subarray(MOST_SYNC_BYTES, MOST_SYNC_BYTES + worked.written)) };
  return { ok: false, message: String(worked.error) };
}

/** At the beginning of what is read again before anybody else writes to it. */
function joinHere(pieces: readonly Uint8Array[]): Uint8Array {
  let at = 0;
  for (const piece of pieces) {
    SCRATCH.set(piece, at);
    at += piece.length;
  }
  return SCRATCH.subarray(0, at);
}

/** Where this version of node has no engines that can be kept. */
function compressAlone(compression: Compression, body: Uint8Array, level: number): CompressResult {
  try {
    const bytes = compression === "zstd" ? zstdCompressSync(body, zstdOptions(level)) : gzipSync(body, { level });
    return { ok: true, bytes };
  } catch (error) {
    return { ok: false, message: String(error) };
  }
}

/** One for each level that a target has ever had: 0.3 MB with gzip, 0.3 to 1 MB with zstd. */
const KEPT: Readonly<Record<Compression, (ReusedEngine | undefined)[]>> = { gzip: [], zstd: [] };

function keptEngine(compression: Compression, level: number): ReusedEngine {
  return (KEPT[compression][level] ??= compression === "zstd" ? keptZstd(level) : keptGzip(level));
}

function keptGzip(level: number): ReusedEngine {
  const open = (): object => createGzip({ level, chunkSize: MIN_CHUNK_BYTES });
  return new ReusedEngine({ open, finish: constants.Z_FINISH, between: "reset" });
}

function keptZstd(level: number): ReusedEngine {
  const open = (): object => createZstdCompress({ ...zstdOptions(level), chunkSize: MIN_CHUNK_BYTES });
  return new ReusedEngine({ open, finish: constants.ZSTD_e_end, between: "nothing" });
}

function zstdOptions(level: number): { readonly params: Record<number, number> } {
  return { params: { [constants.ZSTD_c_compressionLevel]: level } };
}

/** node:zlib takes no less; nobody reads from it. */
const MIN_CHUNK_BYTES = 64;
