import type { Duplex } from "node:stream";
import { allocBrief } from "../../core/bytes.ts";
import type { OutboundRequest } from "./contract.ts";

/** Shorter pieces are written as one: another element of a writev costs more than a copy. */
const LEAST_BYTES = 2_048;
/** So much is put together at the most. */
const MOST_JOINED = 16_384;

/**
 * Writes a request at once: long pieces as they are, which the socket reads until `done`, and what
 * is short in front of them copied to one.
 */
export function writeRequest(socket: Duplex, { head, pieces }: OutboundRequest, done: () => void): void {
  const all = joinShort(head, pieces);
  const last = all.length - 1;
  if (last > 0) socket.cork();
  for (let i = 0; i < last; i++) socket.write(all[i]!);
  socket.write(all[last]!, done);
  if (last > 0) socket.uncork();
}

function joinShort(head: Uint8Array, pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined: Uint8Array[] = [];
  let run: Uint8Array[] = [head];
  let bytes = head.length;
  for (const piece of pieces) {
    const isShort = piece.length < LEAST_BYTES;
    if (isShort && bytes + piece.length <= MOST_JOINED) {
      run.push(piece);
      bytes += piece.length;
      continue;
    }
    flush(joined, run, bytes);
    run = isShort ? [piece] : [];
    bytes = isShort ? piece.length : 0;
    if (!isShort) joined.push(piece);
  }
  flush(joined, run, bytes);
  return joined;
}

function flush(joined: Uint8Array[], run: readonly Uint8Array[], bytes: number): void {
  if (run.length < 2) {
    if (bytes > 0) joined.push(run[0]!);
    return;
  }
  const all = allocBrief(bytes);
  let at = 0;
  for (const piece of run) {
    all.set(piece, at);
    at += piece.length;
  }
  joined.push(all);
}
