import { once } from "node:events";
import { Server as NetServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Server as TlsServer, type TlsOptions } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { watchRefusals } from "../core/connection-refusal.ts";
import { RouterError, reasonOf } from "../core/errors.ts";
import type { TlsServerOptions } from "../core/sockets/tls-server-options.ts";
import type { UnaryServer, UnaryServerOptions } from "./port.ts";

/**
 * How long a peer has to say hello in HTTP/2, so that silent connections do not take the place of
 * others.
 */
export const HELLO_TIMEOUT_MS = 10_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

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
export async function startListening(server: Server, options: UnaryServerOptions): Promise<void> {
  if (options.handedOver === true) return;
  server.maxConnections = options.maxConnections; // beyond: closed by node as soon as it is accepted
  try {
    server.listen({ host: options.host, port: options.port });
    await once(server, "listening");
  } catch (cause) {
    throw new RouterError("LISTEN_FAILED", `${options.host}:${options.port}: ${reasonOf(cause)}`, { cause });
  }
}

export function serverTls(tls: TlsServerOptions): TlsOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    ...(tls.ticketKeys !== undefined && { ticketKeys: tls.ticketKeys }),
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
  };
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
export class Listening implements UnaryServer {
  /** Kept, because a closed server has no address any more, and logs name it. */
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sockets = new Set<Socket>();
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
    server.on("connection", (socket: Socket) => this.#track(socket));
    // `error` of a listening server: out of file descriptors; those who wait in the backlog are
    // accepted later.
    watchRefusals(server, options.onRefused ?? ignore);
    for (const event of ["error", "sessionError", "tlsClientError", "clientError"]) server.on(event, ignore);
  }

  get connections(): number {
    return this.#connections.size;
  }

  renew(tls: TlsServerOptions): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(serverTls(tls));
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

  /** The socket is destroyed with the server. */
  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => this.#sockets.delete(socket));
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
    const closed = Array.from(this.#sockets, (socket) => {
      const close = once(socket, "close");
      socket.destroy();
      return close;
    });
    await Promise.all(closed);
  }
}

function boundTo(server: Server): { readonly host: string; readonly port: number } {
  const address = server.address();
  // A string only for a Unix socket, null only for a server that does not listen.
  if (address === null || typeof address === "string") throw new RouterError("INTERNAL", "the server has no port");
  return { host: address.address, port: address.port };
}

function ignore(): void {}
