import { constants, createSecureServer, createServer } from "node:http2";
import type { IncomingHttpHeaders, Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { GRPC } from "../../../src/otlp/grpc-code.ts";
import { signalOfGrpcPath } from "../../../src/otlp/signal.ts";
import { Sink } from "./sink.ts";
import type { SendAnswer, SinkOptions } from "./sink.ts";
import { MAX_BODY_BYTES, plainHeaders, readBody } from "./sink-body.ts";
import { exportResponse, rpcStatus } from "./sink-reply.ts";
import type { AnswerNow, SinkRequest } from "./sink-script.ts";

/** Bytes before a gRPC message: a compressed flag and a length. */
const PREFIX_BYTES = 5;
const SETTINGS = { initialWindowSize: 4_194_304, maxFrameSize: 1_048_576, maxConcurrentStreams: 10_000 };

/**
 * A listening OTLP/gRPC server on node:http2. Any path is answered, so that a wrong one shows in
 * `requests`.
 */
export async function openGrpcSink(options: SinkOptions = {}): Promise<Sink> {
  const sink = new Sink(options, (arrived, closing) => {
    const server = makeServer(options);
    const sessions = new Set<ServerHttp2Session>();
    server.on("session", (session) => {
      session.setLocalWindowSize(16_777_216);
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      session.on("error", () => undefined);
    });
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => receive(stream, headers, arrived));
    closing.addEventListener("abort", () => {
      for (const session of sessions) session.close();
    });
    return server;
  });
  await sink.start();
  return sink;
}

function makeServer(options: SinkOptions): Http2Server {
  // Node refuses streams with ENHANCE_YOUR_CALM above maxSessionMemory (MB), 10 by default.
  const shared = { maxSessionMemory: 1_000, settings: SETTINGS };
  if (options.tls === undefined) return createServer(shared);
  const requestCert = options.tls.ca !== undefined;
  return createSecureServer({ ...shared, ...options.tls, requestCert, rejectUnauthorized: requestCert });
}

function receive(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  arrived: (request: SinkRequest, send: SendAnswer) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("error", () => undefined); // a reset by the client is part of what tests do
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else chunks.push(chunk);
  });
  stream.on("end", () => {
    if (stream.destroyed || stream.aborted) return;
    arrived(requestOf(headers, Buffer.concat(chunks)), (answer) => send(stream, answer));
  });
}

function requestOf(headers: IncomingHttpHeaders, framed: Buffer): SinkRequest {
  const path = headers[":path"] ?? "";
  const whole = framed.length >= PREFIX_BYTES && framed.readUInt32BE(1) === framed.length - PREFIX_BYTES;
  const encoding = encodingOfMessage(framed[0] === 1, headers);
  const read = readBody(framed.subarray(PREFIX_BYTES), encoding, false);
  return {
    signal: signalOfGrpcPath(path),
    path,
    headers: plainHeaders(headers),
    ...read,
    malformed: read.malformed || !whole,
    encoding,
    wireBytes: Math.max(0, framed.length - PREFIX_BYTES),
  };
}

function send(stream: ServerHttp2Stream, answer: AnswerNow): void {
  if (stream.destroyed || stream.closed) return;
  switch (answer.kind) {
    case "ok":
      return sendMessage(stream, exportResponse(0, ""));
    case "partial":
      return sendMessage(stream, exportResponse(answer.rejected, answer.message));
    case "status":
      return sendStatus(stream, answer.code === -1 ? GRPC.INVALID_ARGUMENT : answer.code, answer);
    case "hang":
      return;
    case "reset":
      return stream.close(answer.http2Code ?? constants.NGHTTP2_INTERNAL_ERROR);
    case "disconnect":
      stream.session?.destroy();
      return;
  }
}

function sendMessage(stream: ServerHttp2Stream, message: Uint8Array): void {
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
  stream.end(framed);
}

function sendStatus(
  stream: ServerHttp2Stream,
  code: number,
  answer: { readonly message?: string; readonly retryAfterMs?: number },
): void {
  const message = answer.message ?? "";
  const details = rpcStatus(code, message, answer.retryAfterMs);
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc+proto",
      "grpc-status": String(code),
      "grpc-message": encodeURIComponent(message),
      ...(answer.retryAfterMs === undefined
        ? {}
        : { "grpc-status-details-bin": Buffer.from(details).toString("base64") }),
    },
    { endStream: true },
  );
}

/** What names no encoding is gzip: so much of a peer is taken on trust. */
function encodingOfMessage(compressed: boolean, headers: IncomingHttpHeaders): SinkRequest["encoding"] {
  if (!compressed) return "identity";
  return headers["grpc-encoding"] === "zstd" ? "zstd" : "gzip";
}
