import { allocOwned } from "../../core/bytes.ts";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Takes bytes from a socket, borrowed until it returns. */
export type TakeBytes = (bytes: Uint8Array) => void;

/** What node calls `onread`. */
export interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

/** Opens, or takes over, the socket of one driver. */
export type OpenSocket = (take: TakeBytes) => Duplex;

/** How an accepted socket is read. It may be paused (`pauseOnConnect`). */
export type ReadAccepted = (accepted: Socket, take: TakeBytes) => void;

/**
 * Lets a socket that we open read into a buffer that is there already; without it, each read makes up to 64 KiB of garbage
 * (16 with TLS) that V8 knows as external memory, for which it collects all of the heap. Receiving large bodies, with and
 * without: 250 and 720 µs for each MB, with TLS 400 and 1,050. Per request received: 140 and 240 µs of 370 KB, 5.2 and 7.0 µs of
 * 3.7 KB. Sent: 1 µs less for each reply that is read alone.
 */
export function intoBuffer(take: TakeBytes): OnRead {
  const callback = (bytes: number, buffer: Uint8Array): boolean => {
    take(buffer.subarray(0, bytes));
    return true;
  };
  return { buffer: READ_BUFFER, callback };
}

/**
 * The same for an accepted socket, plain or TLS. Node has `onread` for sockets that are opened, but a server has no way to
 * ask for it: so the socket is given afterwards what `onread` would have given it. Where that is not to be found, or
 * something has been read already, the socket is read in chunks.
 */
export const readAccepted: ReadAccepted = (accepted, take) => {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (PLACES === undefined || !takesBuffer(handle) || accepted.readableLength > 0) {
    readInChunks(accepted, take);
    return;
  }
  const onread = intoBuffer(take);
  Reflect.set(accepted, PLACES.buffer, onread.buffer);
  Reflect.set(accepted, PLACES.callback, onread.callback);
  handle.useUserBuffer(READ_BUFFER);
  accepted.resume();
};

/** Reads in buffers that node makes. */
export const readInChunks: ReadAccepted = (accepted, take) => {
  accepted.on("data", take).resume();
};

/** One for all sockets: what is read into it has been worked on before the next socket reads. */
const READ_BUFFER = allocOwned(65_536);

interface TakesBuffer {
  useUserBuffer(buffer: Uint8Array): void;
}

function takesBuffer(handle: unknown): handle is TakesBuffer {
  return typeof handle === "object" && handle !== null && "useUserBuffer" in handle;
}

/** Under which of its symbols a socket keeps the two parts of `onread`; undefined when it has them elsewhere. */
const PLACES = findPlaces();

function findPlaces(): { readonly buffer: symbol; readonly callback: symbol } | undefined {
  const onread = intoBuffer(() => undefined);
  const probe = new Socket({ onread });
  const symbols = Object.getOwnPropertySymbols(probe);
  const buffer = symbols.find((symbol) => Reflect.get(probe, symbol) === onread.buffer);
  const callback = symbols.find((symbol) => Reflect.get(probe, symbol) === onread.callback);
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback };
}
