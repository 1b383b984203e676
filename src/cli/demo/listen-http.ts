import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { type Signal, signalOfHttpPath } from "../../otlp/signal.ts";
import type { Arrivals } from "./arrivals.ts";
import type { TargetServer } from "./demo-target.ts";

const MAX_BODY_BYTES = 64 * 1_048_576;
const PROTOBUF = "application/x-protobuf";

/** An OTLP/HTTP server for protobuf. What it answers with success has been counted. Throws LISTEN_FAILED. */
export async function listenHttp(
  { host, port }: { readonly host: string; readonly port: number },
  arrivals: Arrivals,
): Promise<TargetServer> {
  const server = createServer((request, response) => receive(request, response, arrivals));
  try {
    server.listen({ host, port });
    await once(server, "listening");
  } catch (cause) {
    throw new RouterError("LISTEN_FAILED", `${host}:${port}: ${reasonOf(cause)}`, { cause });
  }
  const bound = server.address();
  return {
    port: bound === null || typeof bound === "string" ? port : bound.port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function receive(request: IncomingMessage, response: ServerResponse, arrivals: Arrivals): void {
  const signal = signalOfHttpPath(request.url ?? "");
  if (signal === undefined || request.method !== "POST") return answer(response, 404);
  if (request.headers["content-type"] !== PROTOBUF || request.headers["content-encoding"] !== undefined) {
    return answer(response, 415);
  }
  readBody(request, response, signal, arrivals);
}

function readBody(request: IncomingMessage, response: ServerResponse, signal: Signal, arrivals: Arrivals): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("error", () => response.destroy());
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) request.destroy();
    else chunks.push(chunk);
  });
  request.on("end", () => answer(response, arrivals.take(signal, Buffer.concat(chunks)) ? 200 : 400));
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, { "content-type": PROTOBUF, "content-length": 0 });
  response.end();
}
