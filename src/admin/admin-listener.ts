import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../core/clock.ts";
import { isInterrupted, RouterError } from "../core/errors.ts";
import { type Hide, hideIn } from "../core/hide.ts";
import { listenNodeHttp, type RenewableServer } from "../core/sockets/node-http.ts";
import type { ServerCertificate } from "../core/sockets/tls-server-options.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { refusalTeller } from "../telemetry/refused-connections.ts";
import { type AdminToken, type Authorize, createAuthorize } from "./auth.ts";
import { BodyReader } from "./read-body.ts";
import { interruptedReply, parseIfMatch, PROBLEM_TYPE, problemReply } from "./reply.ts";
import { hasBody, sendChunks, sendReply } from "./send-reply.ts";
import { type AdminBody, type AdminReply, JSON_TYPE, matchRoute, type AdminRoute, type RouteWork } from "./route.ts";

export interface AdminListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM texts. */
  readonly tls: ServerCertificate | undefined;
  readonly tokens: readonly AdminToken[];
  readonly routes: readonly AdminRoute[];
  /** What every text of an answer goes through, as the running config wants it. */
  readonly hide: () => Hide;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 };
const MAX_CONNECTIONS = 256;

/** Opens the admin listener. Fails with LISTEN_FAILED or TLS_INVALID, and a hint. */
export function listenAdmin(options: AdminListenOptions): Promise<RenewableServer> {
  const { host, port, tls } = options;
  const answer = createAnswer(options);
  const server = {
    title: "admin listener",
    setting: "node.listen.admin",
    address: { host, port },
    tls,
    maxConnections: MAX_CONNECTIONS,
    limits: LIMITS,
    refused: refusalTeller("admin", options),
  };
  return listenNodeHttp(server, answer, (created) => {
    created.on("checkContinue", answer); // the body is asked for only when it is wanted
    created.on("clientError", refuseBroken);
  });
}

type AnswerRequest = (request: IncomingMessage, response: ServerResponse) => void;

function createAnswer({ routes, tokens, hide, clock, log, metrics }: AdminListenOptions): AnswerRequest {
  const services: AdminServices = {
    routes,
    authorize: createAuthorize(tokens),
    bodies: new BodyReader(clock),
    gates: new Gates(),
  };
  const told = (request: IncomingMessage) => (cause: unknown) => {
    log.error("admin request failed", { path: request.url, error: cause });
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = await replyTo(request, response, services).catch((cause: unknown) => {
      if (isInterrupted(cause)) return interruptedReply(cause.message);
      told(request)(cause);
      return problemReply(500, "this is a fault of Signalbox; its log tells more");
    });
    metrics.adminRequests.with(String(reply.status)).add(1);
    if (isUnread(request) && reply.status !== 408) await services.bodies.discard(request);
    if (response.destroyed) return;
    if (reply.stream !== undefined && request.method !== "HEAD") reply.stream(response);
    else if (reply.chunks !== undefined) await sendChunks(request, response, reply, clock).catch(told(request));
    else sendReply(request, response, hidden(reply, hide()));
  };
  return (request, response) => void answer(request, response);
}

/** A body that is a text is a document as it is written; bytes are not looked into. */
function hidden(reply: AdminReply, hide: Hide): AdminReply {
  return typeof reply.body === "string" || reply.body instanceof Uint8Array
    ? reply
    : { ...reply, body: hideIn(reply.body, hide) };
}

interface AdminServices {
  readonly routes: readonly AdminRoute[];
  readonly authorize: Authorize;
  readonly bodies: BodyReader;
  readonly gates: Gates;
}

/** In this order: who asks, what for, on which condition, and only then the body. */
async function replyTo(
  request: IncomingMessage,
  response: ServerResponse,
  services: AdminServices,
): Promise<AdminReply> {
  const { method = "GET", url = "/" } = request;
  if (!url.startsWith("/") || !URL.canParse(url, "http://admin"))
    return problemReply(400, "the request target is not a path");
  const { pathname, searchParams } = new URL(`http://admin${url}`);
  const match = matchRoute(services.routes, method, pathname);
  // Who may not look is not told which paths there are.
  const caller = services.authorize(request, match.kind === "route" ? match.route.role : "viewer");
  if (!caller.ok) return caller.reply;
  if (match.kind === "not_found")
    return problemReply(404, `there is no ${pathname}; /openapi.json lists what there is`);
  if (match.kind === "method_not_allowed") {
    return problemReply(405, `${pathname} takes ${match.allow.join(", ")}`, {
      headers: { allow: match.allow.join(", ") },
    });
  }
  const { route, params } = match;
  const precondition = parseIfMatch(route.guarded === true ? request.headers["if-match"] : undefined);
  if (!precondition.ok) return problemReply(400, 'If-Match takes a version as in the ETag: "5"');
  const { guard } = precondition;
  const header = (name: string): string | undefined => request.headersDistinct[name]?.[0];
  const handle = async (body: AdminBody | undefined): Promise<AdminReply> => {
    const asked = { params, query: searchParams, guard, role: caller.role, body, header, signal: goneOf(response) };
    const reply = await services.gates.within(route.work, () => route.handle(asked));
    return { type: route.type ?? JSON_TYPE, ...reply };
  };
  return route.body === undefined ? handle(undefined) : services.bodies.withBody(request, response, route.body, handle);
}

/** Fires when the client leaves; after its answer there is nobody to tell. */
function goneOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new RouterError("INTERRUPTED", "whoever asked has left")));
  return gone.signal;
}

/** Whether a body is still on its way. One that waits to be asked for is not. */
function isUnread(request: IncomingMessage): boolean {
  return hasBody(request) && !request.complete && !request.destroyed && request.headers.expect === undefined;
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

/**
 * So much of each kind may be under way or wait, whoever asks for it: it shares one thread, or the
 * data plane's own.
 */
const MOST_WORK: Readonly<Record<RouteWork, number>> = { document: 8, explain: 4 };

/** Holds the work of the admin API within bounds. */
class Gates {
  readonly #underWay: Record<RouteWork, number> = { document: 0, explain: 0 };

  /** What `handle` replies, or 429 when there is too much of its kind already. */
  async within(work: RouteWork | undefined, handle: () => AdminReply | Promise<AdminReply>): Promise<AdminReply> {
    if (work === undefined) return handle();
    if (this.#underWay[work] >= MOST_WORK[work]) {
      const detail = `${MOST_WORK[work]} requests that ${DOES[work]} are under way already; try again in a moment`;
      return problemReply(429, detail, { headers: { "retry-after": "1" } });
    }
    this.#underWay[work]++;
    try {
      return await handle();
    } finally {
      this.#underWay[work]--;
    }
  }
}

const DOES: Readonly<Record<RouteWork, string>> = { document: "read or change the config", explain: "explain items" };
