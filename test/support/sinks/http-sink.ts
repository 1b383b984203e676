import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { resetSocket } from "../../../src/core/reset-socket.ts";
import { signalOfHttpPath } from "../../../src/otlp/signal.ts";
import { Sink } from "./sink.ts";
import type { SendAnswer, SinkOptions } from "./sink.ts";
import { encodingOf, MAX_BODY_BYTES, plainHeaders, readBody } from "./sink-body.ts";
import { exportResponse, rpcStatus } from "./sink-reply.ts";
import type { AnswerNow, SinkRequest } from "./sink-script.ts";

/**
 * A listening OTLP/HTTP server on node:http. Any path and method is answered, so that a wrong one
 * shows in `requests`.
 */
export async function openHttpSink(options: SinkOptions = {}): Promise<Sink> {
  const sink = new Sink(options, (arrived, closing) => {
    const server = makeServer(options, (incoming, response) => {
      if (closing.aborted) response.setHeader("connection", "close");
      receive(incoming, response, arrived);
    });
    closing.addEventListener("abort", () => server.closeIdleConnections());
    return server;
  });
  await sink.start();
  return sink;
}

function makeServer(
  options: SinkOptions,
  handle: (incoming: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (options.tls === undefined) return createServer(handle);
  const requestCert = options.tls.ca !== undefined;
  return createSecureServer({ ...options.tls, requestCert, rejectUnauthorized: requestCert }, handle);
}

function receive(
  incoming: IncomingMessage,
  response: ServerResponse,
  arrived: (request: SinkRequest, send: SendAnswer) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on("error", () => undefined); // a reset by the client is part of what tests do
  response.on("error", () => undefined);
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) incoming.destroy();
    else chunks.push(chunk);
  });
  incoming.on("end", () => {
    const json = incoming.headers["content-type"]?.startsWith("application/json") === true;
    arrived(requestOf(incoming, Buffer.concat(chunks), json), (answer) => send(response, answer, json));
  });
}

function requestOf(incoming: IncomingMessage, wire: Buffer, json: boolean): SinkRequest {
  const path = (incoming.url ?? "").split("?", 1)[0]!;
  const encoding = encodingOf(incoming.headers["content-encoding"]);
  return {
    signal: signalOfHttpPath(path),
    path,
    headers: plainHeaders(incoming.headers),
    ...readBody(wire, encoding, json),
    encoding,
    wireBytes: wire.length,
  };
}

function send(response: ServerResponse, answer: AnswerNow, json: boolean): void {
  if (response.destroyed) return;
  switch (answer.kind) {
    case "ok":
      return sendBody(response, 200, json ? "{}" : exportResponse(0, ""), json);
    case "partial":
      return sendBody(
        response,
        200,
        json ? jsonPartial(answer) : exportResponse(answer.rejected, answer.message),
        json,
      );
    case "status":
      return sendStatus(response, answer.code === -1 ? 400 : answer.code, answer, json);
    case "hang":
      return;
    case "reset":
    case "disconnect":
      if (response.socket !== null) resetSocket(response.socket);
      return;
  }
}

function sendStatus(
  response: ServerResponse,
  code: number,
  answer: { readonly message?: string; readonly retryAfterMs?: number },
  json: boolean,
): void {
  const message = answer.message ?? "";
  if (answer.retryAfterMs !== undefined) response.setHeader("retry-after", Math.ceil(answer.retryAfterMs / 1_000));
  sendBody(response, code, json ? JSON.stringify({ message }) : rpcStatus(0, message, undefined), json);
}

function sendBody(response: ServerResponse, code: number, body: string | Uint8Array, json: boolean): void {
  response.writeHead(code, { "content-type": json ? "application/json" : "application/x-protobuf" });
  response.end(body);
}

/** All three names, so that the caller's signal is among them: unknown names are ignored. */
function jsonPartial(answer: { readonly rejected: number; readonly message: string }): string {
  const rejected = String(answer.rejected);
  return JSON.stringify({
    partialSuccess: {
      rejectedSpans: rejected,
      rejectedDataPoints: rejected,
      rejectedLogRecords: rejected,
      errorMessage: answer.message,
    },
  });
}
