import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Clock } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { DEFAULT_GRPC_TRANSPORT } from "../../core/grpc-transport.ts";
import type { Random } from "../../core/random.ts";
import { listenAt } from "../../core/sockets/listen-at.ts";
import type { UnaryHandler, UnaryReply } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import { GRPC } from "../../otlp/grpc-code.ts";
import { type Signal, signalOfGrpcPath, signalOfHttpPath } from "../../otlp/signal.ts";

/** A listening OTLP server. Disposing it closes its port and cuts its connections. */
export interface TargetServer extends AsyncDisposable {
  readonly port: number;
}

interface DemoAddress {
  readonly host: string;
  readonly port: number;
}

/** Counts an Export request before it is answered with success. False: it is malformed. */
type Take = (signal: Signal, bytes: Uint8Array) => boolean;

const MAX_MESSAGE_BYTES = 64 * 1_048_576;

/** An OTLP/gRPC server, without compression. Throws LISTEN_FAILED. */
export function listenGrpc(
  address: DemoAddress,
  take: Take,
  env: { readonly clock: Clock; readonly random: Random },
): Promise<TargetServer> {
  const options = {
    ...address,
    handler: handlerOf(take),
    maxConcurrentStreams: 256,
    maxHeaderBytes: 16_384,
    maxConnections: 100,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 0,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 20_000,
  };
  return UNARY_TRANSPORTS[DEFAULT_GRPC_TRANSPORT].listen(options, env);
}

/** Full success: an empty ExportResponse. */
const SUCCESS: UnaryReply = { status: GRPC.OK, text: "", message: new Uint8Array(0) };
const MALFORMED: UnaryReply = { status: GRPC.INVALID_ARGUMENT, text: "not an Export request" };
const NO_COMPRESSION: UnaryReply = { status: GRPC.UNIMPLEMENTED, text: "the demo's targets take no compression" };

function handlerOf(take: Take): UnaryHandler {
  return (call) => {
    const signal = signalOfGrpcPath(call.path);
    if (signal === undefined) {
      call.reply({ status: GRPC.UNIMPLEMENTED, text: `there is no method ${call.path}` });
      return undefined;
    }
    return {
      maxMessageBytes: MAX_MESSAGE_BYTES,
      length: () => undefined,
      message(bytes, compressed) {
        if (compressed) call.reply(NO_COMPRESSION);
        else call.reply(take(signal, bytes) ? SUCCESS : MALFORMED);
      },
      cancelled() {
        // Nobody waits for the answer: there is nothing to undo.
      },
    };
  };
}

const PROTOBUF = "application/x-protobuf";

/** An OTLP/HTTP server for protobuf, without compression. Throws LISTEN_FAILED. */
export async function listenHttp({ host, port: asked }: DemoAddress, take: Take): Promise<TargetServer> {
  const server = createServer((request, response) => receive(request, response, take));
  const { port } = await listenAt(server, { host, port: asked }).catch((cause: unknown) => {
    throw new RouterError("LISTEN_FAILED", `${host}:${asked}: ${reasonOf(cause)}`, { cause });
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function receive(request: IncomingMessage, response: ServerResponse, take: Take): void {
  const signal = signalOfHttpPath(request.url ?? "");
  if (signal === undefined || request.method !== "POST") return answer(response, 404);
  if (request.headers["content-type"] !== PROTOBUF || request.headers["content-encoding"] !== undefined) {
    return answer(response, 415);
  }
  readBody(request, response, signal, take);
}

function readBody(request: IncomingMessage, response: ServerResponse, signal: Signal, take: Take): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("error", () => response.destroy());
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_MESSAGE_BYTES) request.destroy();
    else chunks.push(chunk);
  });
  request.on("end", () => answer(response, take(signal, Buffer.concat(chunks)) ? 200 : 400));
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": PROTOBUF, "content-length": 0 });
  response.end();
}
