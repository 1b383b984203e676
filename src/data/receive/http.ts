import { joinOwned, textBrief } from "../../core/bytes.ts";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import { type AddressInfo, type Socket, Server as TcpServer } from "node:net";
import { watchRefusals } from "../../core/connection-refusal.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Refusal } from "../../core/reason.ts";
import type { CorsPlan } from "../../plan/listen-options.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { createCors } from "./cors.ts";
import { type ListenerContext, openListenerContext, type ReceiveEnv } from "./listener-context.ts";
import type { CommonListenerOptions, ListenerDefaults, OpenListener } from "./open-listener.ts";
import { HttpConnection } from "./http-connection.ts";
import { type HttpManners, receiveHttp } from "./http-exchange.ts";
import { httpRefusal } from "./http-reply.ts";

export interface HttpOptions extends CommonListenerOptions {
  /** From the start of a connection, or the first byte of a request, to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body; also bounds what is thrown away. */
  readonly bodyTimeoutMs: number;
  /**
   * A connection is closed with the first reply after this time, +-10 %; so clients come to see new
   * nodes behind a load balancer.
   */
  readonly maxConnectionAgeMs: number;
  /** Which pages of other origins may send; undefined: none. */
  readonly cors?: CorsPlan | undefined;
  /** Without a request for this long, a connection is closed. */
  readonly keepAliveTimeoutMs: number;
}

/**
 * Against connections that do nothing. Idle ones live longer than the 90 s after which the usual
 * clients close them.
 */
export const HTTP_DEFAULTS: ListenerDefaults<HttpOptions> = {
  maxConnections: 10_000,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  keepAliveTimeoutMs: 120_000,
  maxConnectionAgeMs: 600_000,
};

/** OTLP/HTTP on node:http. Rejects with the error of the system, or of the TLS library. */
export async function listenHttp(options: HttpOptions, env: ReceiveEnv): Promise<OpenListener> {
  const server = createHttpServer(options);
  const listener = new NodeHttpListener(server, openListenerContext(options.region, "http", env), options);
  watchRefusals(server, refusalTeller("otlp_http", env));
  if (options.handedOver === true) {
    server.emit("listening"); // node watches over the time that requests take from here on
    return listener;
  }
  server.listen({ host: options.host, port: options.port });
  await once(server, "listening");
  server.on("error", ignore); // running out of file descriptors: those who wait in the backlog are accepted later
  return listener;
}

const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
/**
 * How long an idle connection is kept when the listener drains. Who sends more often than this
 * hears with the next reply that the connection ends; closed at once, that request could meet a
 * closed socket, and its sender would not know what became of it.
 */
const IDLE_CLOSE_MS = 250;
/** Finds peers that are gone without a word. */
const TCP_KEEPALIVE_MS = 30_000;

function createHttpServer(options: HttpOptions): Server {
  const { tls, headersTimeoutMs, bodyTimeoutMs } = options;
  const settings: ServerOptions = {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: Math.min(headersTimeoutMs, bodyTimeoutMs),
    requestTimeout: bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, Math.ceil(headersTimeoutMs / 4)),
    keepAliveTimeout: options.keepAliveTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    requireHostHeader: false, // readHttpHead says more of it than node does
  };
  const server = tls === undefined ? createServer(settings) : createTlsServer({ ...settings, ...tlsSettings(tls) });
  server.maxConnections = options.maxConnections; // beyond: closed as soon as accepted
  return server;
}

function tlsSettings({ cert, key, clientCa, ticketKeys }: TlsServerOptions): object {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const tickets = ticketKeys === undefined ? {} : { ticketKeys };
  return { cert, key, handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS, ...clients, ...tickets };
}

class NodeHttpListener implements OpenListener, HttpManners {
  readonly #server: Server;
  readonly #context: ListenerContext;
  readonly #maxAgeMs: number;
  /** All sockets, also those that are still in a TLS handshake. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<object, HttpConnection>();
  readonly cors: HttpManners["cors"];
  draining = false;
  /** Told whenever a request or a connection has ended. */
  ended: () => void = ignore;

  constructor(server: Server, context: ListenerContext, { tls, cors, maxConnectionAgeMs }: HttpOptions) {
    this.#server = server;
    this.#context = context;
    this.#maxAgeMs = maxConnectionAgeMs;
    this.cors = cors && createCors(cors);
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on(tls !== undefined ? "secureConnection" : "connection", (socket: Socket) => this.#connected(socket));
    server.on("request", (request, response) => this.#receive(request, response, false));
    server.on("checkContinue", (request, response) => this.#receive(request, response, true));
    server.on("checkExpectation", (request, response) => this.#receive(request, response, false));
    server.on("clientError", (error, socket) => this.#broken(error, socket));
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

  take(socket: Socket): void {
    socket.setNoDelay(true).setKeepAlive(true, TCP_KEEPALIVE_MS);
    this.#server.emit("connection", socket);
  }

  /** Rather one with a request under way: one without may be of no use to anybody. */
  retireOldest(): boolean {
    const young = [...this.#connections.values()].filter(({ closing, isOld }) => !closing && !isOld);
    const oldest = young.find(({ open }) => open > 0) ?? young[0];
    oldest?.retire();
    return oldest !== undefined;
  }

  renew(tls: TlsServerOptions): void {
    if (this.#server instanceof TlsServer) this.#server.setSecureContext(tlsSettings(tls));
  }

  async drain(graceMs: number): Promise<void> {
    const { clock } = this.#context.env;
    const endMs = clock.nowMs() + graceMs;
    this.draining = true;
    TcpServer.prototype.close.call(this.#server); // that of HTTP closes idle connections, too
    await this.#wait(Math.min(IDLE_CLOSE_MS, graceMs), () => this.#connections.size === 0);
    this.#server.close();
    await this.#wait(endMs - clock.nowMs(), () => this.#open() === 0);
    await this.#destroyAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.draining = true;
    this.#server.close();
    await this.#destroyAll();
  }

  /**
   * Resolves when it is done, asked whenever a request or a connection has ended, or after this
   * time.
   */
  async #wait(timeMs: number, done: () => boolean): Promise<void> {
    if (done()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = () => {
      if (done()) resolve();
    };
    const cancel = this.#context.env.clock.after(Math.max(0, timeMs), resolve);
    await promise;
    cancel();
  }

  #connected(socket: Socket): void {
    const { clock, random } = this.#context.env;
    const closesMs = clock.nowMs() + this.#maxAgeMs * (0.9 + 0.2 * random.next()); // jitter: not all at once
    const connection = new HttpConnection(socket, clock, closesMs);
    this.#connections.set(socket, connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      connection.lost();
      this.ended();
    });
  }

  #receive(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined || connection.closing) {
      request.resume(); // what was pipelined behind a reply that closes the connection counts as not received
      return;
    }
    receiveHttp(this.#context, { request, response, connection, expects }, this);
  }

  /**
   * Bytes that are no HTTP, a body that ended early or did not come in time; and errors of the
   * socket or of TLS.
   */
  #broken(error: NodeJS.ErrnoException, socket: { readonly writable: boolean; destroy(): void }): void {
    const connection = this.#connections.get(socket);
    const refusal = refusalOf(error);
    if (connection === undefined || refusal === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    if (connection.closing) return;
    if (connection.newest === undefined) this.#context.countError(refusal.reason);
    connection.breakOff(refusal, () => rawReply(refusal));
  }

  #open(): number {
    let open = 0;
    for (const connection of this.#connections.values()) open += connection.open;
    return open;
  }

  async #destroyAll(): Promise<void> {
    const closed = Array.from(this.#sockets, (socket) => new Promise((resolve) => void socket.once("close", resolve)));
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  #address(): AddressInfo {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address : { address: "", family: "", port: 0 };
  }
}

function refusalOf(error: NodeJS.ErrnoException): Refusal | undefined {
  const code = error.code ?? "";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { reason: "deadline", message: "the request did not come in time" };
  if (code === "HPE_HEADER_OVERFLOW") return { reason: "too_large", message: "the headers are too long" };
  if (code.startsWith("HPE_"))
    return { reason: "bad_data", message: `this is no HTTP/1.1 request: ${reasonOf(error)}` };
  return undefined;
}

/** A response for which there is no request. */
function rawReply(refusal: Refusal): Uint8Array {
  const { status, headers, body } = httpRefusal("protobuf", refusal, []);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  const all = [...headers, "Content-Length", String(body.length), "Connection", "close"];
  for (let at = 0; at + 1 < all.length; at += 2) lines.push(`${all[at]}: ${all[at + 1]}`);
  return joinOwned([textBrief(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}

function ignore(): void {}
