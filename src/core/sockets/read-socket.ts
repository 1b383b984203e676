import { allocOwned } from "../bytes.ts";
import { turnEnd } from "../turn-end.ts";
import { JoinBuffers, RecordJoiner } from "./record-joiner.ts";
import { Socket, type SocketConstructorOpts } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Takes bytes from a socket, borrowed until it returns. */
export type TakeBytes = (bytes: Uint8Array) => void;

/** What node calls `onread`. */
interface OnRead {
  readonly buffer: Uint8Array;
  readonly callback: (bytes: number, buffer: Uint8Array) => boolean;
}

/** Opens, or takes over, the socket of one driver. */
export type OpenSocket = (take: TakeBytes) => Duplex;

/**
 * How an accepted socket is read. It may be paused (`pauseOnConnect`). What is given back is the
 * connection from here on: the same socket, or one in its place, which ends it when it ends itself.
 */
export type ReadAccepted = (accepted: Socket, take: TakeBytes) => Socket;

/**
 * Lets a socket that we open read into a buffer that is there already; without it, each read makes
 * up to 64 KiB of garbage (16 with TLS) that V8 knows as external memory, for which it collects all
 * of the heap. Receiving large bodies, with and without: 250 and 720 µs for each MB, with TLS 400
 * and 1,050. Per request received: 140 and 240 µs of 370 KB, 5.2 and 7.0 µs of 3.7 KB. Sent: 1 µs
 * less for each reply that is read alone.
 */
export function intoBuffer(take: TakeBytes): OnRead {
  const callback = (bytes: number, buffer: Uint8Array): boolean => {
    take(buffer.subarray(0, bytes));
    return true;
  };
  return { buffer: READ_BUFFER, callback };
}

/**
 * The same for an accepted socket. Node has `onread` for sockets that are opened, and a server has
 * no way to ask for it. So the connection itself is taken out of the socket, and a socket that
 * reads as we want is made of it; TLS has its keys in the socket, which is given afterwards what
 * `onread` would have given it. Where neither is to be had, or something has been read already, the
 * socket is read in chunks. Why this way: docs/decisions/0027-arena.md.
 */
export const readAccepted: ReadAccepted = (accepted, take) => {
  const handle: unknown = Reflect.get(accepted, "_handle");
  if (!takesBuffer(handle) || accepted.readableLength > 0) return readInChunks(accepted, take);
  if (accepted instanceof TLSSocket) return readSecure(accepted, handle, take);
  Reflect.set(accepted, "_handle", null);
  const { allowHalfOpen } = accepted;
  const options: SocketConstructorOpts = { onread: intoBuffer(take), allowHalfOpen };
  const socket = new Socket(Object.assign(options, { handle }));
  standFor(accepted, socket);
  return socket.resume();
};

/** The server that accepted the one counts it, and waits for it, until the other has closed. */
function standFor(accepted: Socket, socket: Socket): void {
  accepted.destroy = () => {
    socket.destroy();
    return accepted;
  };
  socket.once("close", () => Socket.prototype.destroy.call(accepted));
}

function readSecure(accepted: TLSSocket, handle: TakesBuffer, take: TakeBytes): Socket {
  if (PLACES === undefined) return readInChunks(accepted, take);
  const joiner = new RecordJoiner({ take, landing: READ_BUFFER, buffers: JOIN_BUFFERS, turn: turnEnd });
  const callback: OnRead["callback"] = (bytes) => {
    joiner.read(bytes);
    return true;
  };
  Reflect.set(accepted, PLACES.buffer, READ_BUFFER);
  Reflect.set(accepted, PLACES.callback, callback);
  Reflect.set(accepted, PLACES.next, () => joiner.moved());
  handle.useUserBuffer(READ_BUFFER);
  accepted.once("end", () => joiner.passOn()).once("close", () => joiner.close());
  return accepted.resume();
}

/** Reads in buffers that node makes. */
export const readInChunks: ReadAccepted = (accepted, take) => accepted.on("data", take).resume();

/**
 * One for all sockets: what is read into it has been worked on before the next socket reads. Four
 * times what node reads at once by itself: bytes for each read decide about what a long body costs,
 * by a quarter to a third.
 */
const READ_BUFFER = allocOwned(262_144);

interface TakesBuffer {
  useUserBuffer(buffer: Uint8Array): void;
}

function takesBuffer(handle: unknown): handle is TakesBuffer {
  return typeof handle === "object" && handle !== null && "useUserBuffer" in handle;
}

/** Of all connections with TLS. */
const JOIN_BUFFERS = new JoinBuffers();

/**
 * Under which of its symbols a socket keeps the two parts of `onread`, and what tells it, after
 * each read, where the next one goes; undefined when it has them elsewhere.
 */
const PLACES = findPlaces();

function findPlaces(): Readonly<Record<"buffer" | "callback" | "next", symbol>> | undefined {
  const { callback } = intoBuffer(() => undefined);
  const moving = (): Uint8Array => READ_BUFFER;
  const buffer = symbolOf(new Socket({ onread: { buffer: READ_BUFFER, callback } }), READ_BUFFER);
  const socket = new Socket({ onread: { buffer: moving, callback } });
  const [takes, next] = [symbolOf(socket, callback), symbolOf(socket, moving)];
  if (buffer === undefined || takes === undefined || next === undefined) return undefined;
  return { buffer, callback: takes, next };
}

function symbolOf(socket: Socket, value: unknown): symbol | undefined {
  return Object.getOwnPropertySymbols(socket).find((symbol) => Reflect.get(socket, symbol) === value);
}
