import { type AddressInfo, type Server, type Socket, Server as TcpServer } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Clock } from "../core/clock.ts";
import { type ListeningServer, OpenSockets } from "../core/sockets/listening-server.ts";
import { type TlsServerOptions, tlsOptionsOf } from "../core/sockets/tls-server-options.ts";

/** By ALPN. */
export const HTTP1: readonly string[] = ["http/1.1"];
/**
 * How long an idle connection is kept when the listener drains. Who sends more often than this
 * hears with the next reply that the connection ends; closed at once, that request could meet a
 * closed socket, and its sender would not know what became of it.
 */
const IDLE_CLOSE_MS = 250;
/** Finds peers that are gone without a word. */
export const TCP_KEEPALIVE_MS = 30_000;

/** What a server does with each of its connections. */
export interface ServedHttp {
  /** Requests whose reply is not written yet. */
  readonly open: number;
  /** It closes anyway, with its next reply at the latest. */
  readonly isLeaving: boolean;
  /** The next reply closes it. */
  retire(): void;
  /** Closes it, unless a request is under way. */
  closeIdle(): void;
}

/** A server that listens, its sockets and its connections, to their end. */
export class HttpListening implements ListeningServer {
  isDraining = false;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #closeIdle: () => void;
  readonly #sockets: OpenSockets;
  readonly #connections = new Set<ServedHttp>();
  /** Told whenever a request or a connection has ended. */
  #ended: () => void = ignore;

  /** `closeIdle`: where connections do not know by themselves whether they are idle. */
  constructor(server: Server, clock: Clock, closeIdle: () => void = ignore) {
    this.#server = server;
    this.#clock = clock;
    this.#closeIdle = closeIdle;
    this.#sockets = new OpenSockets(server);
  }

  get host(): string {
    return this.#address().address;
  }

  get port(): number {
    return this.#address().port;
  }

  get connections(): number {
    return this.#connections.size;
  }

  add(connection: ServedHttp): void {
    this.#connections.add(connection);
  }

  /** A request of it has ended, or all of it. */
  ended(connection: ServedHttp, isClosed: boolean): void {
    if (isClosed) this.#connections.delete(connection);
    this.#ended();
  }

  take(socket: Socket): void {
    socket.setNoDelay(true).setKeepAlive(true, TCP_KEEPALIVE_MS);
    socket.allowHalfOpen = !(this.#server instanceof TlsServer); // as those that it accepts
    this.#server.emit("connection", socket);
  }

  /** Rather one with a request under way: one without may be of no use to anybody. */
  retireOldest(): boolean {
    const young = [...this.#connections].filter(({ isLeaving }) => !isLeaving);
    const oldest = young.find(({ open }) => open > 0) ?? young[0];
    oldest?.retire();
    return oldest !== undefined;
  }

  renew(tls: TlsServerOptions): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(tlsOptionsOf(tls, HTTP1));
  }

  async drain(graceMs: number): Promise<void> {
    const endMs = this.#clock.nowMs() + graceMs;
    this.#stop();
    await this.#wait(Math.min(IDLE_CLOSE_MS, graceMs), () => this.#connections.size === 0);
    for (const connection of this.#connections) connection.closeIdle();
    this.#closeIdle();
    await this.#wait(endMs - this.#clock.nowMs(), () => this.#open() === 0);
    await this.#sockets.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    this.#closeIdle();
    await this.#sockets.destroy();
  }

  #stop(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    TcpServer.prototype.close.call(this.#server); // that of node:http closes idle connections, too
  }

  /**
   * Resolves when it is done, asked whenever a request or a connection has ended, or after this
   * time.
   */
  async #wait(timeMs: number, done: () => boolean): Promise<void> {
    if (done()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = () => {
      if (done()) resolve();
    };
    const cancel = this.#clock.after(Math.max(0, timeMs), resolve);
    await promise;
    this.#ended = ignore;
    cancel();
  }

  #open(): number {
    let open = 0;
    for (const connection of this.#connections) open += connection.open;
    return open;
  }

  #address(): AddressInfo {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address : { address: "", family: "", port: 0 };
  }
}

function ignore(): void {}
