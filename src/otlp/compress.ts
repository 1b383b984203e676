import { joinOwned } from "../core/bytes.ts";
import { constants, gzip, gzipSync, zstdCompress, zstdCompressSync } from "node:zlib";

/** How what is sent may be compressed. */
export const COMPRESSIONS = ["gzip", "zstd"] as const;
export type Compression = (typeof COMPRESSIONS)[number];

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
): void {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  const body = only ?? joinOwned(pieces);
  const isZstd = compression === "zstd";
  if (body.length > SYNC_BYTES) {
    const end = (error: Error | null, bytes: Uint8Array): void =>
      done(error === null ? { ok: true, bytes } : { ok: false, message: error.message });
    if (isZstd) zstdCompress(body, ZSTD, end);
    else gzip(body, GZIP, end);
    return;
  }
  let bytes: Uint8Array;
  try {
    bytes = isZstd ? zstdCompressSync(body, ZSTD) : gzipSync(body, GZIP);
  } catch (error) {
    done({ ok: false, message: String(error) });
    return;
  }
  done({ ok: true, bytes });
}

/**
 * Level 6, the usual default, takes 2.2 times as long at 64 KB (580 µs against 260 µs) to save 4 %
 * of the bytes.
 */
const GZIP = { level: 1 } as const;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } } as const;
/** 16 KB take 68 µs here with gzip; the thread pool costs 110 µs of CPU before it begins. */
const SYNC_BYTES = 16 * 1024;
