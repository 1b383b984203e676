import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { resetSocket } from "../../src/core/reset-socket.ts";

/** What is done with a connection behind what was written on it. */
export type Ending = "kept" | "ended" | "reset";
export const ENDINGS: readonly Ending[] = ["kept", "ended", "reset"];

/** A peer whose bytes are written by hand, on loopback. */
export interface RawPeer extends AsyncDisposable {
  readonly port: number;
  /** Called for each connection. */
  accept: (socket: net.Socket) => void;
  /**
   * Writes `chunks` one after the other, and ends as said once the client has read all. Resolves
   * when that is done.
   */
  say(socket: net.Socket, chunks: readonly Uint8Array[], ending: Ending): Promise<void>;
}

/**
 * Its client has to be in this process: only so can one know, without waiting for some time, what
 * it has read.
 */
export async function openRawPeer(): Promise<RawPeer> {
  const clients = new Map<number, net.Socket>();
  const open = new Set<net.Socket>();
  const onClient = (message: unknown): void => {
    const { socket } = message as { readonly socket: net.Socket };
    socket.once("connect", () => clients.set(socket.localPort ?? 0, socket));
  };
  subscribe("net.client.socket", onClient);
  const server = net.createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      clients.delete(socket.remotePort ?? 0);
    });
    peer.accept(socket);
  });
  const peer = {
    port: 0,
    accept: (_socket: net.Socket): void => undefined,
    async say(socket: net.Socket, chunks: readonly Uint8Array[], ending: Ending): Promise<void> {
      const client = clients.get(socket.remotePort ?? 0);
      assert.ok(client !== undefined, "the client is in this process");
      for (const chunk of chunks) {
        if (socket.writable) socket.write(chunk);
        await whenRead(client, socket);
      }
      if (ending === "ended") socket.end();
      else if (ending === "reset") resetSocket(socket);
    },
    async [Symbol.asyncDispose]() {
      unsubscribe("net.client.socket", onClient);
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  assert.ok(bound !== null && typeof bound === "object");
  peer.port = bound.port;
  return peer;
}

/** Until all that was written has been read, and looked at. */
async function whenRead(client: net.Socket, socket: net.Socket): Promise<void> {
  while (!client.destroyed && !socket.destroyed && client.bytesRead < socket.bytesWritten) await turn();
  for (let i = 0; i < 3; i++) await turn();
}

/** `bytes` in pieces that end at `cuts`. */
export function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [0, ...places]
    .map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
    .filter((piece) => piece.length > 0);
}
