import { connect, createServer } from "node:http2";
import type { ClientHttp2Session, ServerHttp2Stream } from "node:http2";

/**
 * The platform's limit, as a process to be measured: gRPC in, the same bytes out, without a look at
 * the content, on plain node:http2. With no target it only receives. Arguments: port, then the
 * target's port or nothing.
 */
const [port, targetPort] = process.argv.slice(2).map(Number);
const SETTINGS = { initialWindowSize: 4_194_304, maxFrameSize: 1_048_576, maxConcurrentStreams: 10_000 };
const SESSION_WINDOW_BYTES = 16_777_216;
/** Node's default of 10 MB refuses streams with ENHANCE_YOUR_CALM under load. */
const MAX_SESSION_MEMORY_MB = 1_000;
const EMPTY_REPLY = Buffer.alloc(5);

const target = targetPort === undefined ? undefined : openTarget(targetPort);
const server = createServer({ settings: SETTINGS, maxSessionMemory: MAX_SESSION_MEMORY_MB });
server.on("session", (session) => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
server.on("stream", (stream, headers) => receive(stream, headers[":path"] ?? ""));
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));

function openTarget(toPort: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${toPort}`, {
    settings: SETTINGS,
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    peerMaxConcurrentStreams: 10_000,
  });
  session.on("connect", () => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
  return session;
}

function receive(stream: ServerHttp2Stream, path: string): void {
  const chunks: Buffer[] = [];
  stream.on("error", () => stream.destroy());
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    if (target === undefined) reply(stream, "0");
    else forward(target, stream, path, chunks);
  });
}

function forward(session: ClientHttp2Session, stream: ServerHttp2Stream, path: string, chunks: Buffer[]): void {
  const out = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
  let status = "14";
  out.on("response", (headers) => (status = String(headers["grpc-status"] ?? status)));
  out.on("trailers", (trailers) => (status = String(trailers["grpc-status"] ?? status)));
  out.on("error", () => undefined);
  out.on("close", () => reply(stream, status));
  out.resume();
  out.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
}

function reply(stream: ServerHttp2Stream, status: string): void {
  if (stream.destroyed) return;
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.end(EMPTY_REPLY);
}
