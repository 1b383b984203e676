import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Cancel } from "../core/clock.ts";
import { openTunnel, type Destination, type TunnelProxy } from "./tunnel.ts";

/** What an end of a connection is, for whoever speaks HTTP/2 on it. */
export type DialledSocket = Duplex & { readonly bytesRead: number };

type Done = (error?: Error | null) => void;

/**
 * A way through a proxy that can be written to before it is there, as a socket can that still
 * connects.
 */
export class TunnelStream extends Duplex {
  readonly #cancel: Cancel;
  #socket: Socket | undefined;
  #bytesRead = 0;
  /** What waits for the way to be there. */
  #onOpen: (() => void) | undefined;

  /** `through` is given the socket, and gives what is spoken on it: itself, or TLS. */
  constructor(proxy: TunnelProxy, to: Destination, through: (socket: Socket) => Socket) {
    super({ allowHalfOpen: false });
    this.#cancel = openTunnel(proxy, to, (opened) => {
      if (opened instanceof Error) this.destroy(opened);
      else this.#attach(through(opened));
    });
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#whenOpen((socket) => socket.write(chunk, done));
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: Done): void {
    this.#whenOpen((socket) => {
      socket.cork();
      for (const [i, { chunk }] of chunks.entries()) socket.write(chunk, i === chunks.length - 1 ? done : undefined);
      socket.uncork();
    });
  }

  override _final(done: Done): void {
    this.#whenOpen((socket) => {
      if (socket.destroyed) done();
      else socket.end(() => done());
    });
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#cancel();
    this.#socket?.destroy();
    done(error);
  }

  #whenOpen(run: (socket: Socket) => void): void {
    const socket = this.#socket;
    if (socket !== undefined) run(socket);
    else this.#onOpen = () => this.#whenOpen(run); // of a stream only one of these is asked at a time
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytesRead += chunk.length;
      if (!this.push(chunk)) socket.pause();
    });
    let ended = false;
    socket.on("end", () => {
      ended = true;
      this.push(null);
    });
    socket.on("error", (cause: Error) => this.destroy(cause));
    // What came before a proper end is still to be read, then this stream ends by itself.
    socket.on("close", () => ended || this.destroy());
    socket.resume();
    this.#onOpen?.();
  }
}
