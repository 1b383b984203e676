import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:net";
import { gunzipSync } from "node:zlib";
import { systemClock } from "../src/core/clock.ts";
import { tallyItems } from "../src/generate/read-back.ts";
import { Tally } from "../src/generate/tally.ts";
import type { Answers, SinkArguments, SinkCounts, SinkReport, SinkRequest } from "./messages.ts";
import { countJsonItems } from "./json-items.ts";
import { answerParent, argumentsOf, tellParent } from "./messages.ts";
import { AT_ONCE, listenGrpc } from "./wire/grpc-server.ts";

/**
 * The sink process: OTLP servers for one signal that take everything, count the items and note
 * their running numbers. `counts` asks for what arrived, `answer` tells how to answer from now on;
 * the process ends with its parent.
 */
const MAX_INFLATED_BYTES = 134_217_728;

/** A request's body, whether it is compressed, and whether it is JSON. */
type Take = (message: Buffer, compressed: boolean, isJson?: boolean) => void;

interface Port {
  readonly server: Server;
  readonly counts: () => SinkCounts;
  readonly answer: (answers: Answers) => void;
}

const { protocol, signal, ports: count, tls } = argumentsOf<SinkArguments>();
const ports: Port[] = [];
for (let i = 0; i < count; i++) ports.push(await open());

answerParent(answer);
tellParent({ kind: "listening", ports: ports.map(({ server }) => portOf(server)) });

function answer(request: SinkRequest): SinkReport {
  if (request.kind === "counts") return { kind: "counts", ports: ports.map((port) => port.counts()) };
  ports[request.port]?.answer(request.answers);
  return { kind: "answering" };
}

async function open(): Promise<Port> {
  const tally = new Tally(4_096);
  let requests = 0;
  let items = 0;
  let bytesIn = 0;
  let answers = AT_ONCE;
  const received: Take = (message, compressed, isJson) => {
    requests++;
    bytesIn += message.length;
    const bytes = compressed ? gunzipSync(message, { maxOutputLength: MAX_INFLATED_BYTES }) : message;
    items += isJson === true ? countJsonItems(bytes) : tallyItems(signal, bytes, tally);
  };
  const now = (): Answers => answers;
  const server = await (protocol === "grpc"
    ? listenGrpc(0, received, { answers: now, tls })
    : listenHttp(received, now));
  return {
    server,
    counts: () => ({ requests, bytes: bytesIn, items, ...tally.counts() }),
    answer: (next) => (answers = next),
  };
}

function listenHttp(received: Take, answers: () => Answers): Promise<Server> {
  const server = createHttpServer((incoming, response) => takeHttp(incoming, response, received, answers));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function takeHttp(incoming: IncomingMessage, response: ServerResponse, received: Take, answers: () => Answers): void {
  const chunks: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
  incoming.on("end", () => {
    const { afterMs, unavailable } = answers();
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    const type = incoming.headers["content-type"] ?? "application/x-protobuf";
    const isJson = type === "application/json";
    if (!unavailable) received(body, incoming.headers["content-encoding"] === "gzip", isJson);
    const text = isJson ? "{}" : "";
    const reply = (): void => {
      response.writeHead(unavailable ? 503 : 200, { "content-type": type, "content-length": text.length });
      response.end(text);
    };
    if (afterMs === 0) reply();
    else systemClock.after(afterMs, reply);
  });
}

function portOf(server: Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the sink does not listen");
  return bound.port;
}
