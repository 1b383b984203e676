import assert from "node:assert/strict";
import { type EventEmitter, once } from "node:events";
import http2 from "node:http2";
import { describe, test } from "node:test";
import type { Clock } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { ListeningServer } from "../../src/core/sockets/listening-server.ts";
import type {
  UnaryCall,
  UnaryClient,
  UnaryClientOptions,
  UnaryExchange,
  UnaryHandler,
  UnaryReply,
  UnaryRequest,
  UnaryResult,
  UnaryServerOptions,
} from "../../src/http2/port.ts";
import { ManualClock } from "../support/manual-clock.ts";

interface Env {
  readonly clock: Clock;
  readonly random: Random;
}

/** An implementation of the port. */
export interface UnaryTransport {
  readonly listen: (options: UnaryServerOptions, env: Env) => Promise<ListeningServer>;
  readonly connect: (options: UnaryClientOptions, env: Env) => UnaryClient;
}

/** Named guarantees of the port; each is one test. */
export type Guarantees = Readonly<Record<string, (transport: UnaryTransport) => Promise<void>>>;

export function runGuarantees(name: string, transport: UnaryTransport, guarantees: Guarantees): void {
  describe(name, () => {
    for (const [guarantee, check] of Object.entries(guarantees)) {
      test(guarantee, { timeout: 20_000 }, () => check(transport));
    }
  });
}

export const PATH = "/test.Service/Export";

/** Time stands still in it, but for `advance`; chance is seeded. */
export function manualEnv(): { clock: ManualClock; random: Random } {
  return { clock: new ManualClock(), random: seededRandom(7) };
}

export function serverOptions(handler: UnaryHandler, more: Partial<UnaryServerOptions> = {}): UnaryServerOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    handler,
    maxConcurrentStreams: 100,
    maxHeaderBytes: 16_384,
    maxConnections: 100,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 1_000,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 1_000,
    ...more,
  };
}

export function clientOptions(port: number, more: Partial<UnaryClientOptions> = {}): UnaryClientOptions {
  return {
    url: `http://127.0.0.1:${port}`,
    connections: 1,
    connectTimeoutMs: 5_000,
    maxResponseBytes: 4_194_304,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 1_000,
    userAgent: "rig/1",
    ...more,
  };
}

export function ok(message: Uint8Array = new Uint8Array(0)): UnaryReply {
  return { status: 0, text: "", message };
}

/** Replies with what it got. */
export const echo: UnaryHandler = (call) => exchange({ message: (bytes) => call.reply(ok(bytes)) });

export function exchange(more: Partial<UnaryExchange> = {}): UnaryExchange {
  return {
    maxMessageBytes: 64 * 1_048_576,
    length: () => undefined,
    message: () => undefined,
    cancelled: () => undefined,
    ...more,
  };
}

export function request(pieces: readonly Uint8Array[], more: Partial<UnaryRequest> = {}): UnaryRequest {
  const messageBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return { path: PATH, metadata: {}, pieces, messageBytes, encoding: "identity", timeoutMs: 10_000, ...more };
}

/** One call, as a promise; proves that `done` is not called from within `unary`. */
export function ask(client: UnaryClient, asked: UnaryRequest = request([utf8("ping")])): Promise<UnaryResult> {
  return new Promise((resolve, reject) => {
    let within = true;
    client.unary(asked, (result) => {
      if (within) reject(new Error("done was called from within unary"));
      else resolve(result);
    });
    within = false;
  });
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Resolves when a socket, stream or session is closed, whatever closed it. */
export function whenClosed(
  what: EventEmitter & { readonly destroyed: boolean; readonly closed?: boolean },
): Promise<void> {
  return new Promise((resolve) => {
    if (what.closed === true && what.destroyed) resolve();
    else what.once("close", () => resolve());
  });
}

/** A message with its 5-byte prefix. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** What happened, in order; `next` waits for the one after those already taken. */
export class Happenings<T> {
  readonly all: T[] = [];
  #taken = 0;
  #wake: (() => void) | undefined;

  add(value: T): void {
    this.all.push(value);
    this.#wake?.();
  }

  async next(): Promise<T> {
    while (this.#taken === this.all.length) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    return this.all[this.#taken++]!;
  }
}

/** A handler that tells of its calls and replies to none: the test does. */
export interface HeldCall {
  readonly call: UnaryCall;
  readonly bytes: Uint8Array;
}
export function hold(): { handler: UnaryHandler; calls: Happenings<HeldCall>; cancelled: Happenings<string> } {
  const calls = new Happenings<HeldCall>();
  const cancelled = new Happenings<string>();
  const handler: UnaryHandler = (call) =>
    exchange({ message: (bytes) => calls.add({ call, bytes }), cancelled: () => cancelled.add(call.path) });
  return { handler, calls, cancelled };
}

/** What a raw client saw of one stream. */
export interface RawReply {
  readonly headers: http2.IncomingHttpHeaders;
  /** The flags of the first HEADERS frame; bit 0 is END_STREAM. */
  readonly flags: number;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly chunks: readonly Buffer[];
  readonly code: number;
}

/** A connection of node:http2 that knows nothing of gRPC. */
export async function rawConnect(port: number): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  await once(session, "remoteSettings");
  return session;
}

export const RAW_HEADERS = {
  ":method": "POST",
  ":path": PATH,
  te: "trailers",
  "content-type": "application/grpc",
} as const;

/** A stream of a raw client, and what will have come of it when it is closed. */
export function rawStream(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders = {},
  endStream = false,
): { stream: http2.ClientHttp2Stream; reply: Promise<RawReply> } {
  const stream = session.request({ ...RAW_HEADERS, ...headers }, { endStream });
  const seen = { headers: {}, flags: 0, trailers: {}, chunks: [] as Buffer[] };
  stream.on("response", (head, flags) => Object.assign(seen, { headers: head, flags }));
  stream.on("trailers", (trailers) => Object.assign(seen, { trailers }));
  stream.on("data", (chunk: Buffer) => seen.chunks.push(chunk));
  stream.on("error", () => undefined);
  const reply = new Promise<RawReply>((resolve) => {
    stream.on("close", () => resolve({ ...seen, code: stream.rstCode }));
  });
  return { stream, reply };
}

/** Sends one body on a connection of its own and tells what came back. */
export async function rawCall(
  port: number,
  body: Uint8Array,
  headers: http2.OutgoingHttpHeaders = {},
): Promise<RawReply> {
  const session = await rawConnect(port);
  try {
    const { stream, reply } = rawStream(session, headers);
    stream.end(body);
    return await reply;
  } finally {
    session.destroy();
  }
}

/** A server of node:http2 that does with a stream what the test says. */
export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly sessions: Happenings<http2.ServerHttp2Session>;
  readonly server: http2.Http2Server;
}
export async function rawServer(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  options: { readonly settings?: http2.Settings; readonly port?: number } = {},
): Promise<RawServer> {
  const server = http2.createServer({ settings: options.settings ?? {} });
  const sessions = new Happenings<http2.ServerHttp2Session>();
  server.on("session", (session) => {
    session.on("error", () => undefined);
    sessions.add(session);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    onStream(stream, headers);
  });
  server.listen(options.port ?? 0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    port: address.port,
    sessions,
    server,
    async [Symbol.asyncDispose]() {
      for (const session of sessions.all) session.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
