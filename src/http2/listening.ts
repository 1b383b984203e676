import { Server as NetServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Server as TlsServer } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { RouterError, reasonOf } from "../core/errors.ts";
import { type ListeningServer, OpenSockets, startListening } from "../core/sockets/listening-server.ts";
import { type TlsServerOptions, tlsOptionsOf } from "../core/sockets/tls-server-options.ts";
import type { UnaryServerOptions } from "./port.ts";

/**
 * How long a peer has to say hello in HTTP/2, so that silent connections do not take the place of
 * others.
 */
export const HELLO_TIMEOUT_MS = 10_000;
/** By ALPN. */
export const HTTP2: readonly string[] = ["h2"];

/** What a server does with each of its connections. */
export interface ServedConnection {
  /** GOAWAY; it closes when its calls have ended, at the latest after `graceMs`. */
  retire(graceMs: number): void;
  /** Resets what is under way. */
  destroy(): void;
}

/**
 * Starts to listen, unless its connections are handed over. Throws LISTEN_FAILED when the address
 * is not to be had.
 */
export async function listenOn(server: Server, options: UnaryServerOptions): Promise<void> {
  try {
    await startListening(server, options);
  } catch (cause) {
    throw new RouterError("LISTEN_FAILED", `${options.host}:${options.port}: ${reasonOf(cause)}`, { cause });
  }
}

/** Makes a server with TLS. Throws TLS_INVALID for bad PEM. */
export function withTls<Made>({ host, port }: UnaryServerOptions, make: () => Made): Made {
  try {
    return make();
  } catch (cause) {
    throw new RouterError("TLS_INVALID", `certificate of ${host}:${port}: ${reasonOf(cause)}`, { cause });
  }
}

/** A server that listens, its sockets and its connections, to their end. */
export class Listening implements ListeningServer {
  /** Kept, because a closed server has no address any more, and logs name it. */
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sockets: OpenSockets;
  readonly #connections = new Set<ServedConnection>();
  readonly #drains = new Set<() => void>();
  #stopping = false;

  constructor(server: Server, options: UnaryServerOptions, clock: Clock) {
    const { host, port } = options.handedOver === true ? options : boundTo(server);
    this.host = host;
    this.port = port;
    this.#server = server;
    this.#clock = clock;
    this.#graceMs = options.maxConnectionAgeGraceMs;
    this.#sockets = new OpenSockets(server);
    for (const event of ["sessionError", "clientError"]) server.on(event, ignore);
  }

  get connections(): number {
    return this.#connections.size;
  }

  renew(tls: TlsServerOptions): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(tlsOptionsOf(tls, HTTP2));
  }

  take(socket: Socket): void {
    socket.setNoDelay(true);
    this.#server.emit("connection", socket);
  }

  retireOldest(): boolean {
    const [oldest] = this.#connections;
    oldest?.retire(this.#graceMs);
    return oldest !== undefined;
  }

  add(connection: ServedConnection): void {
    this.#connections.add(connection);
    // Its handshake was under way when the listening ended.
    if (this.#stopping) connection.retire(this.#graceMs);
  }

  remove(connection: ServedConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) for (const drained of this.#drains) drained();
  }

  async drain(graceMs: number): Promise<void> {
    this.#stop();
    if (this.#connections.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drains.add(resolve);
      const cancel = this.#clock.after(graceMs, resolve);
      for (const connection of this.#connections) connection.retire(graceMs);
      await promise;
      this.#drains.delete(resolve);
      cancel();
    }
    await this.#destroyAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#destroyAll();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // net's own close: that of http2 closes the sessions, too, which then could not be reset any
    // more.
    NetServer.prototype.close.call(this.#server);
  }

  async #destroyAll(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await nextTurn(); // lets the last GOAWAY go out
    await this.#sockets.destroy();
  }
}

function boundTo(server: Server): { readonly host: string; readonly port: number } {
  const address = server.address();
  // A string only for a Unix socket, null only for a server that does not listen.
  if (address === null || typeof address === "string") throw new RouterError("INTERNAL", "the server has no port");
  return { host: address.address, port: address.port };
}

function ignore(): void {}
