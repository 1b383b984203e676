import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:net";
import { gunzipSync } from "node:zlib";
import { tallyItems } from "../src/generate/read-back.ts";
import { Tally } from "../src/generate/tally.ts";
import type { SinkArguments, SinkCounts } from "./messages.ts";
import { answerParent, argumentsOf, tellParent } from "./messages.ts";
import { listenGrpc } from "./wire/grpc-server.ts";

/**
 * The sink process: OTLP servers for traces that take everything, count the spans and note their
 * running numbers. `counts` asks for what arrived; the process ends with its parent.
 */
const MAX_INFLATED_BYTES = 134_217_728;

interface Port {
  readonly server: Server;
  readonly counts: () => SinkCounts;
}

const { protocol, ports: count, tls } = argumentsOf<SinkArguments>();
const ports: Port[] = [];
for (let i = 0; i < count; i++) ports.push(await open());

answerParent(() => ({ kind: "counts", ports: ports.map((port) => port.counts()) }));
tellParent({ kind: "listening", ports: ports.map(({ server }) => portOf(server)) });

async function open(): Promise<Port> {
  const tally = new Tally(4_096);
  let requests = 0;
  let items = 0;
  const received = (message: Buffer, compressed: boolean): void => {
    requests++;
    const bytes = compressed ? gunzipSync(message, { maxOutputLength: MAX_INFLATED_BYTES }) : message;
    items += tallyItems("traces", bytes, tally);
  };
  const server = await (protocol === "grpc" ? listenGrpc(0, received, tls) : listenHttp(received));
  return { server, counts: () => ({ requests, items, ...tally.counts() }) };
}

function listenHttp(received: (message: Buffer, compressed: boolean) => void): Promise<Server> {
  const server = createHttpServer((incoming, response) => takeHttp(incoming, response, received));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function takeHttp(
  incoming: IncomingMessage,
  response: ServerResponse,
  received: (message: Buffer, compressed: boolean) => void,
): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    received(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), incoming.headers["content-encoding"] === "gzip");
    response.writeHead(200, { "content-type": "application/x-protobuf", "content-length": 0 });
    response.end();
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the sink does not listen");
  return bound.port;
}
