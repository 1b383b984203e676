import { joinOwned } from "../core/bytes.ts";
import { gzip as gzipInPool, gzipSync } from "node:zlib";

export type GzipResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string };

/**
 * One gzip member of all pieces, one after the other. `done` is called once; for small bodies before this function
 * returns. The pieces must not change until then. Not ok only when there is no memory.
 */
export function gzip(pieces: readonly Uint8Array[], done: (result: GzipResult) => void): void {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  const body = only ?? joinOwned(pieces);
  if (body.length > SYNC_BYTES) {
    gzipInPool(body, OPTIONS, (error, bytes) => {
      done(error === null ? { ok: true, bytes } : { ok: false, message: error.message });
    });
    return;
  }
  let bytes: Uint8Array;
  try {
    bytes = gzipSync(body, OPTIONS);
  } catch (error) {
    done({ ok: false, message: String(error) });
    return;
  }
  done({ ok: true, bytes });
}

/** Level 6, the usual default, takes 2.2 times as long at 64 KB (580 µs against 260 µs) to save 4 % of the bytes. */
const OPTIONS = { level: 1 } as const;
/** 16 KB take 68 µs here; the thread pool costs 110 µs of CPU before it begins. */
const SYNC_BYTES = 16 * 1024;
