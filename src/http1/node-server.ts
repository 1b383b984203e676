import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { joinOwned, textBrief } from "../core/bytes.ts";
import { reasonOf } from "../core/errors.ts";
import type { Refusal } from "../core/reason.ts";
import { type ListeningServer, startListening } from "../core/sockets/listening-server.ts";
import { tlsOptionsOf } from "../core/sockets/tls-server-options.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { HTTP1, HttpListening, TCP_KEEPALIVE_MS } from "./listening.ts";
import { NodeHttpConnection } from "./node-connection.ts";
import { type HttpPair, NodeRequest } from "./node-request.ts";
import type { HttpReply, HttpServerOptions } from "./port.ts";

/** node:http. Rejects with the error of the system, or of the TLS library. */
export async function listenHttpNode(options: HttpServerOptions, env: TimeAndChance): Promise<ListeningServer> {
  const server = createServer(options);
  // Closes what is idle, and no longer watches over the time that requests take.
  const closeIdle = (): void => {
    server.close();
  };
  const listening = new HttpListening(server, env.clock, closeIdle);
  serve(new NodeService(listening, { options, ...env }), server, options);
  await startListening(server, options);
  if (options.handedOver === true) server.emit("listening"); // node watches over the time that requests take from here on
  return listening;
}

function createServer(options: HttpServerOptions): Server {
  const { tls, headersTimeoutMs, bodyTimeoutMs } = options;
  const settings: ServerOptions = {
    maxHeaderSize: options.maxHeaderBytes,
    headersTimeout: Math.min(headersTimeoutMs, bodyTimeoutMs),
    requestTimeout: bodyTimeoutMs,
    connectionsCheckingInterval: Math.min(5_000, Math.ceil(headersTimeoutMs / 4)),
    keepAliveTimeout: options.keepAliveTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
    requireHostHeader: false, // what is said of it here is more than node says
  };
  return tls === undefined
    ? createPlainServer(settings)
    : createTlsServer({ ...settings, ...tlsOptionsOf(tls, HTTP1) });
}

function serve(service: NodeService, server: Server, { tls }: HttpServerOptions): void {
  server.on(tls !== undefined ? "secureConnection" : "connection", (socket: Socket) => service.connected(socket));
  server.on("request", (request, response) => service.receive(request, response, false));
  server.on("checkContinue", (request, response) => service.receive(request, response, true));
  server.on("checkExpectation", (request, response) => service.receive(request, response, false));
  server.on("clientError", (error, socket) => service.broken(error, socket));
}

interface NodeEnv extends TimeAndChance {
  readonly options: HttpServerOptions;
}

class NodeService {
  readonly #listening: HttpListening;
  readonly #env: NodeEnv;
  readonly #connections = new Map<object, NodeHttpConnection>();

  constructor(listening: HttpListening, env: NodeEnv) {
    this.#listening = listening;
    this.#env = env;
  }

  get isDraining(): boolean {
    return this.#listening.isDraining;
  }

  readonly ended = (connection: NodeHttpConnection, isClosed: boolean): void => {
    this.#listening.ended(connection, isClosed);
  };

  connected(socket: Socket): void {
    const { clock, random, options } = this.#env;
    const closesMs = clock.nowMs() + options.maxConnectionAgeMs * (0.9 + 0.2 * random.next()); // jitter: not all at once
    const connection = new NodeHttpConnection(socket, clock, closesMs);
    this.#connections.set(socket, connection);
    this.#listening.add(connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      connection.lost();
      this.ended(connection, true);
    });
  }

  receive(request: IncomingMessage, response: ServerResponse, expects: boolean): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined || connection.closing) {
      request.resume(); // what was pipelined behind a reply that closes the connection counts as not received
      return;
    }
    this.#begin({ request, response, connection, expects });
  }

  #begin(pair: HttpPair): void {
    const { handler, refuse } = this.#env.options;
    const request = new NodeRequest(pair, this);
    pair.connection.begin(request);
    const { hosts } = request;
    if (hosts > 1 || (hosts === 0 && request.needsHost)) {
      const message = `${hosts} host headers: a request of HTTP/1.1 has one (RFC 9112, 3.2)`;
      request.reply(refuse({ reason: "bad_data", message }), "short");
      return;
    }
    request.begin(handler(request));
  }

  /**
   * Bytes that are no HTTP, a body that ended early or did not come in time; and errors of the
   * socket or of TLS.
   */
  broken(error: NodeJS.ErrnoException, socket: { readonly writable: boolean; destroy(): void }): void {
    const connection = this.#connections.get(socket);
    const refusal = refusalOf(error);
    if (connection === undefined || refusal === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    if (!connection.closing) connection.breakOff(refusal, () => rawReply(this.#env.options.refuse(refusal)));
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
function rawReply({ status, headers, body }: HttpReply): Uint8Array {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  const all = [...headers, "Content-Length", String(body.length), "Connection", "close"];
  for (let at = 0; at + 1 < all.length; at += 2) lines.push(`${all[at]}: ${all[at + 1]}`);
  return joinOwned([textBrief(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]);
}
