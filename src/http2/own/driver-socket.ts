import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";

/** Takes bytes from a socket, borrowed until it returns. */
export type TakeBytes = (bytes: Uint8Array) => void;

/** Opens, or takes over, the socket of one driver. */
export type OpenSocket = (take: TakeBytes) => Socket;

/**
 * Lets a plain socket read into a buffer that is there already; without it, each read makes 64 KiB of garbage that V8
 * knows as external memory, for which it collects all of the heap. Per request received, with and without: 140 and
 * 240 µs of 370 KB, 5.2 and 7.0 µs of 3.7 KB. Sent: 1 µs less for each reply that is read alone.
 */
export function intoBuffer(take: TakeBytes): OnReadOpts {
  const callback = (bytes: number, buffer: Uint8Array): boolean => {
    take(buffer.subarray(0, bytes));
    return true;
  };
  return { buffer: READ_BUFFER, callback };
}

/** Reads a socket in buffers that it makes: the only way with TLS. */
export function inChunks(socket: Socket, take: TakeBytes): Socket {
  return socket.on("data", take);
}

/**
 * An accepted socket (of a server with `pauseOnConnect`) that reads into a buffer. Node has `onread` for sockets that it
 * makes itself, but a server has no way to ask for it: so its handle gets another socket, as when node hands a socket to
 * another process. Both names are node's own; where they are not there, the socket stays as it is.
 */
export function withBuffer(accepted: Socket, take: TakeBytes): Socket {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (typeof handle !== "object" || handle === null || !("useUserBuffer" in handle)) {
    return inChunks(accepted, take).resume();
  }
  Reflect.set(accepted, "_handle", null);
  accepted.destroy(); // without its handle: nothing is closed
  const options: SocketConstructorOpts = { onread: intoBuffer(take) };
  Reflect.set(options, "handle", handle);
  return new Socket(options).resume();
}

/** One for all sockets: what is read into it has been worked on before the next socket reads. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);
