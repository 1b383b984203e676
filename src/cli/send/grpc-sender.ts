import type { Clock } from "../../core/clock.ts";
import { DEFAULT_GRPC_TRANSPORT } from "../../core/grpc-transport.ts";
import type { Random } from "../../core/random.ts";
import type { UnaryClient, UnaryRequest, UnaryResult } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import { GRPC, grpcCodeName } from "../../otlp/grpc-code.ts";
import { inflateMessage } from "../../otlp/inflate-reply.ts";
import { decodeResponse } from "../../otlp/response.ts";
import { SIGNAL_FACTS, type Signal } from "../../otlp/signal.ts";
import { decodeStatus } from "../../otlp/status.ts";
import { acknowledged, encodeBody, MAX_RESPONSE_BYTES, refusedByStatus } from "./reply.ts";
import type { Endpoint, Sender, SendResult } from "./sender.ts";

const MAX_CONNECT_MS = 5_000;
/** One connection carries many calls; a few let a server with several workers use them. */
const MAX_CONNECTIONS = 4;

/** OTLP/gRPC. Throws TLS_INVALID for bad PEM. */
export function openGrpcSender(options: Endpoint, env: { readonly clock: Clock; readonly random: Random }): Sender {
  const client = UNARY_TRANSPORTS[DEFAULT_GRPC_TRANSPORT].connect(
    {
      url: options.url,
      tls: options.tls,
      connections: Math.min(MAX_CONNECTIONS, options.concurrency),
      connectTimeoutMs: Math.min(MAX_CONNECT_MS, options.timeoutMs),
      maxResponseBytes: MAX_RESPONSE_BYTES,
      keepaliveTimeMs: 0,
      keepaliveTimeoutMs: 0,
      userAgent: options.userAgent,
    },
    env,
  );
  return {
    async send(signal, message, abort) {
      const body = await encodeBody(message, options.compression);
      return await call(client, requestOf(signal, body, options), signal, abort);
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

function requestOf(signal: Signal, body: Uint8Array, options: Endpoint): UnaryRequest {
  return {
    path: SIGNAL_FACTS[signal].grpcPath,
    metadata: options.headers,
    pieces: [body],
    messageBytes: body.length,
    encoding: options.compression === "gzip" ? "gzip" : "identity",
    timeoutMs: options.timeoutMs,
  };
}

function call(client: UnaryClient, request: UnaryRequest, signal: Signal, abort: AbortSignal): Promise<SendResult> {
  return new Promise((resolve) => {
    const cancel = client.unary(request, (result) => {
      abort.removeEventListener("abort", cancel);
      answer(signal, result, resolve);
    });
    abort.addEventListener("abort", cancel, { once: true });
    if (abort.aborted) cancel();
  });
}

/** What may be tried again whatever the details say (OTLP specification, OTLP/gRPC Response). */
const RETRYABLE: ReadonlySet<number> = new Set([
  GRPC.CANCELLED,
  GRPC.DEADLINE_EXCEEDED,
  GRPC.ABORTED,
  GRPC.OUT_OF_RANGE,
  GRPC.UNAVAILABLE,
  GRPC.DATA_LOSS,
]);

function answer(signal: Signal, result: UnaryResult, done: (result: SendResult) => void): void {
  if (result.kind === "failed") {
    done(resultOfFailure(result));
  } else if (result.status === GRPC.OK) {
    inflateMessage(result, (message) =>
      done(acknowledged(message === undefined ? undefined : decodeResponse(signal, message))),
    );
  } else {
    done(resultOfStatus(result));
  }
}

function resultOfStatus(result: Extract<UnaryResult, { kind: "answer" }>): SendResult {
  const status = result.details === undefined ? undefined : decodeStatus(result.details);
  const retryDelayMs = status?.retryDelayMs;
  return {
    kind: "refused",
    code: grpcCodeName(result.status),
    message: result.text,
    retryable:
      RETRYABLE.has(result.status) || (result.status === GRPC.RESOURCE_EXHAUSTED && retryDelayMs !== undefined),
    retryAfterMs: retryDelayMs ?? result.retryAfterMs,
  };
}

function resultOfFailure(result: Extract<UnaryResult, { kind: "failed" }>): SendResult {
  if (result.reason === "stale") return { kind: "failed", reason: "reset", message: result.text };
  if (result.reason !== "http_status") return { kind: "failed", reason: result.reason, message: result.text };
  return refusedByStatus(result.httpStatus ?? 0, result.text, result.retryAfterMs);
}
