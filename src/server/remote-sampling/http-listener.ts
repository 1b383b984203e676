import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, Server as TlsServer, type ServerOptions } from "node:https";
import type { Address } from "../../config/schema/address.ts";
import { watchRefusals } from "../../core/connection-refusal.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import type { Answers } from "./answers.ts";
import { strategyJson } from "./messages.ts";

interface SamplingHttpOptions {
  readonly address: Address;
  readonly tls: TlsServerOptions | undefined;
  readonly answers: Answers;
  readonly maxConnections: number;
}

export interface SamplingListener extends AsyncDisposable {
  readonly address: Address;
  /** Certificates and keys that were renewed: for connections from now on. */
  renew(tls: TlsServerOptions): void;
}

/** Whoever asks has one line to say. */
const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 };

/** Opens the listener. Throws LISTEN_FAILED or TLS_INVALID. */
export async function listenSamplingHttp(
  { address, tls, answers, maxConnections }: SamplingHttpOptions,
  env: Pick<Env, "log" | "metrics">,
): Promise<SamplingListener> {
  const server = create(tls, (request, response) => reply(response, answerTo(request, answers)));
  server.maxConnections = maxConnections;
  watchRefusals(server, refusalTeller("sampling_http", env));
  const bound = await listen(server, address);
  return {
    address: bound,
    renew(next) {
      if (server instanceof TlsServer) server.setSecureContext(secureOptions(next));
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function create(
  tls: TlsServerOptions | undefined,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(LIMITS, answer);
  try {
    return createTlsServer({ ...LIMITS, ...secureOptions(tls) }, answer);
  } catch (cause) {
    const hint = "check node.listen.sampling_http.tls";
    throw new RouterError("TLS_INVALID", `sampling listener: ${reasonOf(cause)}`, { cause, hint });
  }
}

function secureOptions({ cert, key, clientCa }: TlsServerOptions): ServerOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...clients, minVersion: "TLSv1.2" };
}

async function listen(server: Server, { host, port }: Address): Promise<Address> {
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    const hint = "another process may have the port; set node.listen.sampling_http.address";
    throw new RouterError("LISTEN_FAILED", `sampling listener ${host}:${port}: ${reasonOf(cause)}`, { cause, hint });
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new RouterError("INTERNAL", "a listener has no address");
  return { host, port: bound.port };
}

interface AnswerText {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly allow?: string;
}

/**
 * `/` is where Jaeger 2 answers and `/sampling` where its agent did; what ends so is taken as well,
 * since some SDKs add it to whatever they are given.
 */
function answerTo({ method, url = "/" }: IncomingMessage, answers: Answers): AnswerText {
  const refuse = (status: number, body: string, allow?: string): AnswerText => {
    answers.invalid("sampling_http");
    return { status, body, ...(allow !== undefined && { allow }) };
  };
  if (!url.startsWith("/") || !URL.canParse(url, "http://sampling")) {
    return refuse(400, "the request target is not a path");
  }
  const { pathname, searchParams } = new URL(`http://sampling${url}`);
  if (pathname !== "/" && !pathname.endsWith("/sampling")) {
    return refuse(404, `there is no ${pathname}; ask for /sampling?service=<name>`);
  }
  if (method !== "GET" && method !== "HEAD") return refuse(405, `${pathname} takes GET`, "GET, HEAD");
  const [service, ...more] = searchParams.getAll("service");
  if (service === undefined || more.length > 0) return refuse(400, "the parameter service is to be there once");
  const answer = answers.of(service, "sampling_http");
  return answer.ok
    ? { status: 200, body: strategyJson(answer.strategy), type: "application/json" }
    : { status: 503, body: answer.reason };
}

function reply(
  response: ServerResponse,
  { status, body, type = "text/plain; charset=utf-8", allow }: AnswerText,
): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(allow !== undefined && { allow }),
  });
  response.end(body);
}
