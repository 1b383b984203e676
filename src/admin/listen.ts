import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { reasonOf, RouterError } from "../core/errors.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { type AdminToken, type Authorize, createAuthorize } from "./auth.ts";
import { PROBLEM_TYPE, problemReply } from "./problem-details.ts";
import { type AdminReply, JSON_TYPE, matchRoute, type Route } from "./route.ts";

export interface AdminListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly tokens: readonly AdminToken[];
  readonly routes: readonly Route[];
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface AdminServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 };
const MAX_CONNECTIONS = 256;

/** Opens the admin listener. Fails with LISTEN_FAILED or TLS_INVALID, and a hint. */
export async function listenAdmin(options: AdminListenOptions): Promise<AdminServer> {
  const answer = createAnswer(options);
  const server = createHttpServer(options, answer);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("clientError", refuseBroken);
  await listening(server, options);
  const bound = addressOf(server);
  return {
    host: options.host,
    port: bound.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function createHttpServer(options: AdminListenOptions, answer: Answer): Server {
  if (options.tls === undefined) return createServer(LIMITS, answer);
  try {
    return createTlsServer({ ...LIMITS, ...options.tls, minVersion: "TLSv1.2" }, answer);
  } catch (cause) {
    throw new RouterError("TLS_INVALID", `admin listener: ${reasonOf(cause)}`, { cause, hint: "check node.admin.tls" });
  }
}

function listening(server: Server, { host, port }: AdminListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => {
      const hint = "another process may have the port; set node.listen.admin.address";
      reject(new RouterError("LISTEN_FAILED", `admin listener ${host}:${port}: ${cause.message}`, { cause, hint }));
    });
    server.listen({ host, port }, () => resolve());
  });
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new RouterError("INTERNAL", "the admin listener has no address");
  return address;
}

function createAnswer({ routes, tokens, log, metrics }: AdminListenOptions): Answer {
  const authorize = createAuthorize(tokens);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = await replyTo(request, routes, authorize).catch((cause: unknown) => {
      log.error("admin request failed", { path: request.url, error: cause });
      return problemReply(500, "this is a fault of Signalbox; its log tells more");
    });
    metrics.adminRequests.with(String(reply.status)).add(1);
    send(request, response, reply);
  };
  return (request, response) => void answer(request, response);
}

async function replyTo(request: IncomingMessage, routes: readonly Route[], authorize: Authorize): Promise<AdminReply> {
  const { method = "GET", url = "/" } = request;
  if (!url.startsWith("/") || !URL.canParse(url, "http://admin"))
    return problemReply(400, "the request target is not a path");
  const { pathname, searchParams } = new URL(`http://admin${url}`);
  const match = matchRoute(routes, method, pathname);
  // Who may not look is not told which paths there are.
  const refusal = authorize(request, match.kind === "route" ? match.route.role : "viewer");
  if (refusal !== undefined) return refusal;
  if (match.kind === "not_found")
    return problemReply(404, `there is no ${pathname}; /openapi.json lists what there is`);
  if (match.kind === "method_not_allowed") {
    return problemReply(405, `${pathname} takes ${match.allow.join(", ")}`, {
      headers: { allow: match.allow.join(", ") },
    });
  }
  const reply = await match.route.handle({ params: match.params, query: searchParams });
  return { type: match.route.type, ...reply };
}

function send(request: IncomingMessage, response: ServerResponse, reply: AdminReply): void {
  const text = typeof reply.body === "string" ? reply.body : `${JSON.stringify(reply.body, bigintAsText, 2)}\n`;
  const body = Buffer.from(text);
  response.writeHead(reply.status, {
    "content-type": reply.type ?? JSON_TYPE,
    "content-length": body.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    // Nobody reads the body of a request: a connection that carries one is not used again, so it need not be read to its end.
    ...(hasBody(request) ? { connection: "close" } : {}),
    ...reply.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** What is no HTTP, or too much of it: answered as far as the socket still takes anything. */
function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const { body } = problemReply(status, "the request could not be read");
  const text = JSON.stringify(body);
  const head = `content-type: ${PROBLEM_TYPE}\r\ncontent-length: ${text.length}\r\nconnection: close`;
  socket.end(`HTTP/1.1 ${status} Refused\r\n${head}\r\n\r\n${text}`);
}
