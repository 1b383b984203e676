import type { Server, Socket } from "node:net";
import { type ConnectionRefusal, watchRefusals } from "../connection-refusal.ts";
import { listenAt } from "./listen-at.ts";
import type { TlsServerOptions } from "./tls-server-options.ts";

/**
 * A listening server, whatever it speaks. Disposing it at once resets what is under way; `drain`
 * first to lose nothing.
 */
export interface ListeningServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  /** A connection that was accepted elsewhere, and of which nothing has been read. */
  take(socket: Socket): void;
  /** Asks an old connection away: its peer comes back with another. False without one. */
  retireOldest(): boolean;
  /**
   * From now on connections are made with these. Of no effect without TLS. Throws for PEM that the
   * TLS library does not take.
   */
  renew(tls: TlsServerOptions): void;
  /**
   * Stops accepting, tells connections to end, and resolves when all that is under way has ended or
   * `graceMs` has passed.
   */
  drain(graceMs: number): Promise<void>;
}

/** Where and how a server listens. */
export interface ListeningPlace {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly maxConnections: number;
  /** Nothing is bound: its connections are accepted elsewhere, and come by `take`. */
  readonly handedOver?: boolean;
  /** Told of each connection that ended before it was one. Must not throw. */
  readonly onRefused?: (refusal: ConnectionRefusal) => void;
}

/**
 * Starts to listen, unless its connections are handed over. Rejects with the error of the system.
 */
export async function startListening(server: Server, place: ListeningPlace): Promise<void> {
  server.maxConnections = place.maxConnections; // beyond: closed by node as soon as it is accepted
  watchRefusals(server, place.onRefused ?? ignore);
  if (place.handedOver === true) return;
  await listenAt(server, place);
}

/** All sockets of a server, also those that are still in a TLS handshake: they end with it. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("error", ignore);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  /** Resolves when they are closed. */
  async destroy(): Promise<void> {
    const closed = Array.from(this.#sockets, (socket) => new Promise((resolve) => void socket.once("close", resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }
}

function ignore(): void {}
