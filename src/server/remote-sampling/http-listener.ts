import type { IncomingMessage, ServerResponse } from "node:http";
import type { Address } from "../../config/schema/address.ts";
import { listenNodeHttp, type RenewableServer } from "../../core/sockets/node-http.ts";
import type { ServerCertificate } from "../../core/sockets/tls-server-options.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import type { Answers } from "./answers.ts";
import { strategyJson } from "./messages.ts";

/** Whoever asks has one line to say. */
const LIMITS = { maxHeaderSize: 16_384, headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 };

/** Opens the listener. Throws LISTEN_FAILED or TLS_INVALID. */
export function listenSamplingHttp(
  at: { readonly address: Address; readonly tls: ServerCertificate | undefined; readonly maxConnections: number },
  answers: Answers,
  env: Pick<Env, "log" | "metrics">,
): Promise<RenewableServer> {
  const refused = refusalTeller("sampling_http", env);
  const named = { title: "sampling listener", setting: "node.listen.sampling_http" };
  return listenNodeHttp({ ...named, ...at, limits: LIMITS, refused }, (request, response) =>
    reply(response, answerTo(request, answers)),
  );
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
