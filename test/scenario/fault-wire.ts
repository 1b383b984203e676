import { Agent, type IncomingMessage, request } from "node:http";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { GRPC } from "../../src/otlp/grpc-code.ts";
import { decodeResponse } from "../../src/otlp/response.ts";
import { SIGNAL_FACTS, type Signal } from "../../src/otlp/signal.ts";
import { decodeStatus } from "../../src/otlp/status.ts";

/** How a sender's request ended. */
export type WireAnswer =
  | { readonly kind: "taken"; readonly rejected: number; readonly message: string }
  /** Answered with an error; `retryMs` is the delay that it named. */
  | { readonly kind: "refused"; readonly code: number; readonly message: string; readonly retryMs: number | undefined }
  /** No answer: the connection or the call was reset. */
  | { readonly kind: "broken"; readonly message: string };

export interface WireRequest {
  readonly signal: Signal;
  /** Borrowed until the answer. */
  readonly body: Uint8Array;
  /** gRPC only: sent as grpc-timeout. */
  readonly timeoutMs?: number;
  /** Aborting it resets the call, and on HTTP its connection. */
  readonly abort?: AbortSignal;
}

/** One sender's connection to a node, opened again when it was lost. */
export interface Wire extends AsyncDisposable {
  send(request: WireRequest): Promise<WireAnswer>;
  /** Connections opened; those that the node ended, and how many of these it ended with a reset. */
  readonly opened: number;
  readonly ended: number;
  readonly resets: number;
  /** GOAWAY frames, or replies with `connection: close`. */
  readonly closeNotices: number;
}

export function openWire(via: "grpc" | "http", address: string, parallel: number): Wire {
  return via === "grpc" ? new GrpcWire(address) : new HttpWire(address, parallel);
}

const REFUSED_STREAM = constants.NGHTTP2_REFUSED_STREAM;

class GrpcWire implements Wire {
  opened = 0;
  ended = 0;
  resets = 0;
  closeNotices = 0;
  readonly #address: string;
  #session: ClientHttp2Session | undefined;
  /** Connections that were told to go. */
  readonly #leaving = new WeakSet<ClientHttp2Session>();
  #disposed = false;

  constructor(address: string) {
    this.#address = address;
  }

  /**
   * A call that was refused by a connection about to go is made again, once, as all clients of gRPC
   * do: it was begun before the GOAWAY was read, and has not been processed (RFC 9113, 8.7).
   */
  async send(one: WireRequest): Promise<WireAnswer> {
    try {
      const first = this.#call(one);
      const answer = await first.answer;
      const isRefused = answer.kind === "broken" && first.stream.rstCode === REFUSED_STREAM;
      return isRefused && this.#leaving.has(first.session) ? await this.#call(one).answer : answer;
    } catch (cause) {
      return { kind: "broken", message: String(cause) };
    }
  }

  #call({ signal, body, timeoutMs, abort }: WireRequest) {
    const timeout = timeoutMs === undefined ? {} : { "grpc-timeout": `${timeoutMs}m` };
    const headers = { ":method": "POST", ":path": SIGNAL_FACTS[signal].grpcPath, te: "trailers", ...timeout };
    const session = this.#connected();
    const stream = session.request({ ...headers, "content-type": "application/grpc" });
    const cancel = (): void => stream.close(8);
    abort?.addEventListener("abort", cancel);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(body.length, 1);
    stream.end(Buffer.concat([prefix, body]));
    const answer = grpcAnswer(signal, stream).finally(() => abort?.removeEventListener("abort", cancel));
    return { session, stream, answer };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const session = this.#session;
    if (session === undefined || session.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    session.once("close", resolve);
    session.destroy();
    await promise;
  }

  #connected(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = connect(`http://${this.#address}`);
    this.opened++;
    this.#session = session;
    session.once("goaway", () => {
      this.closeNotices++;
      this.#leaving.add(session);
      if (this.#session === session) this.#session = undefined;
    });
    session.on("error", () => undefined); // shows in the calls, and below
    session.once("connect", (_session, socket: Socket) => {
      socket.on("error", () => this.#disposed || this.resets++);
    });
    session.once("close", () => {
      if (!this.#disposed) this.ended++;
    });
    return session;
  }
}

async function grpcAnswer(signal: Signal, stream: ClientHttp2Stream): Promise<WireAnswer> {
  let headers: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  stream.on("response", (block) => (headers = { ...headers, ...block }));
  stream.on("trailers", (block: IncomingHttpHeaders) => (headers = { ...headers, ...block }));
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", (cause) => resolve(String(cause)));
  stream.on("close", () => resolve(`the call was reset with code ${stream.rstCode}`));
  const message = await promise;
  const status = headers["grpc-status"];
  if (status === undefined) return { kind: "broken", message };
  if (Number(status) === GRPC.OK) {
    const reply = decodeResponse(signal, Buffer.concat(chunks).subarray(5));
    return reply.ok ? { kind: "taken", ...reply } : { kind: "broken", message: "the reply is no protobuf" };
  }
  const details = headers["grpc-status-details-bin"];
  const decoded = details === undefined ? undefined : decodeStatus(Buffer.from(String(details), "base64"));
  const text = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  return { kind: "refused", code: Number(status), message: text, retryMs: decoded?.retryDelayMs };
}

class HttpWire implements Wire {
  opened = 0;
  ended = 0;
  resets = 0;
  closeNotices = 0;
  readonly #agent: Agent;
  readonly #host: string;
  readonly #port: number;
  readonly #sockets = new WeakSet<Socket>();
  #disposed = false;

  constructor(address: string, parallel: number) {
    const { hostname, port } = new URL(`http://${address}`);
    this.#host = hostname;
    this.#port = Number(port);
    this.#agent = new Agent({ keepAlive: true, maxSockets: parallel });
  }

  send({ signal, body, abort }: WireRequest): Promise<WireAnswer> {
    const { promise, resolve } = Promise.withResolvers<WireAnswer>();
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const path = SIGNAL_FACTS[signal].httpPath;
    const options = { host: this.#host, port: this.#port, path, method: "POST", agent: this.#agent, headers };
    const call = request(abort === undefined ? options : { ...options, signal: abort });
    call.on("socket", (socket: Socket) => this.#watch(socket));
    call.on("error", (cause) => resolve({ kind: "broken", message: String(cause) }));
    call.on("response", (response) => {
      if (response.headers.connection === "close") this.closeNotices++;
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (cause) => resolve({ kind: "broken", message: String(cause) }));
      response.on("end", () => resolve(httpAnswer(signal, response, Buffer.concat(chunks))));
    });
    call.end(body);
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#agent.destroy();
  }

  #watch(socket: Socket): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    this.opened++;
    socket.on("error", (cause: NodeJS.ErrnoException) => {
      if (!this.#disposed && cause.code !== "ECONNREFUSED") this.resets++;
    });
    socket.once("close", () => {
      if (!this.#disposed) this.ended++;
    });
  }
}

function httpAnswer(signal: Signal, response: IncomingMessage, body: Buffer): WireAnswer {
  const code = response.statusCode ?? 0;
  if (code === 200) {
    const reply = decodeResponse(signal, body);
    return reply.ok ? { kind: "taken", ...reply } : { kind: "broken", message: "the reply is no protobuf" };
  }
  const after = response.headers["retry-after"];
  const retryMs = after === undefined ? undefined : Number(after) * 1_000;
  return { kind: "refused", code, message: decodeStatus(body)?.message ?? "", retryMs };
}
