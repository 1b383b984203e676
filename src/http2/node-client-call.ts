import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";
import { parseStatus, STATUS } from "./grpc-status.ts";
import { decodeDetails, decodeStatusText, type HeaderBlock, headerText, retryAfterMs } from "./headers.ts";
import { frameMessage } from "./message-pieces.ts";
import { MessageReader, type PrefixJudge } from "./message-reader.ts";
import type { ClientLink } from "./node-client-link.ts";
import type { UnaryRequest, UnaryResult } from "./port.ts";
import { formatTimeout } from "./timeout.ts";

type Failure = Extract<UnaryResult, { kind: "failed" }>;

export interface CallOptions {
  readonly clock: Clock;
  readonly maxResponseBytes: number;
  /** Told when the call is settled, before `done`. */
  readonly settled: (call: ClientCall) => void;
}

/** One call of the client, from its start to its one result. `done` always runs in a turn of its own. */
export class ClientCall implements PrefixJudge {
  readonly #request: UnaryRequest;
  readonly #options: CallOptions;
  readonly #done: (result: UnaryResult) => void;
  readonly #timer: Cancel;
  readonly #reader: MessageReader;
  #link: ClientLink | undefined;
  #stream: ClientHttp2Stream | undefined;
  #head: HeaderBlock | undefined;
  #trailers: HeaderBlock | undefined;
  #fault: string | undefined;
  #settled = false;

  constructor(request: UnaryRequest, options: CallOptions, done: (result: UnaryResult) => void) {
    this.#request = request;
    this.#options = options;
    this.#done = done;
    this.#reader = new MessageReader(this);
    this.#timer = options.clock.after(request.timeoutMs, () => {
      this.abandon("timeout", `no reply within ${request.timeoutMs} ms`);
    });
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Sends the call. `timeoutMs` is what is left for it. */
  start(link: ClientLink, base: OutgoingHttpHeaders, timeoutMs: number): void {
    this.#link = link;
    let stream: ClientHttp2Stream;
    try {
      stream = link.request(requestHeaders(base, this.#request, timeoutMs));
    } catch (cause) {
      // Only metadata that is no header can be the reason: to send it again is of no use.
      this.#fail({ reason: "protocol", text: reasonOf(cause), unprocessed: true });
      return;
    }
    this.#stream = stream;
    stream.on("response", (headers: HeaderBlock) => this.#onResponse(headers));
    stream.on("trailers", (trailers: HeaderBlock) => {
      this.#trailers = trailers;
    });
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => this.#onEnd(stream));
    stream.on("error", (cause: Error) => {
      this.#fault = reasonOf(cause);
    });
    stream.on("close", () => this.#conclude(stream));
    send(stream, this.#request);
  }

  /** Ends the call from this side. */
  abandon(reason: "timeout" | "cancelled" | "connect", text: string): void {
    this.#fail({ reason, text, unprocessed: this.#stream === undefined });
  }

  begins(flag: number, bytes: number): boolean {
    if (flag !== 0) {
      this.#fail({ reason: "protocol", text: "the reply is compressed, although identity was asked for" });
    } else if (bytes > this.#options.maxResponseBytes) {
      const text = `the reply has ${bytes} bytes, the limit is ${this.#options.maxResponseBytes}`;
      this.#fail({ reason: "too_large", text });
    }
    return !this.#settled;
  }

  #onResponse(headers: HeaderBlock): void {
    this.#head = headers;
    const httpStatus = Number(headers[":status"]);
    if (httpStatus === 200 || headers["grpc-status"] !== undefined) return;
    // A proxy or another server; its body says nothing to a program.
    this.#fail({ reason: "http_status", text: `HTTP status ${httpStatus}`, httpStatus, ...pauseOf(headers) });
  }

  #onData(chunk: Buffer): void {
    if (this.#settled) return;
    if (this.#reader.add(chunk) === "excess") {
      this.#fail({ reason: "protocol", text: "the reply has bytes after its message" });
    }
  }

  /** A reset with an error code closes the stream, too, and then says more. One without may leave it open. */
  #onEnd(stream: ClientHttp2Stream): void {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR || this.#statusFields() !== undefined) this.#conclude(stream);
  }

  #conclude(stream: ClientHttp2Stream): void {
    if (this.#settled) return;
    const fields = this.#statusFields();
    if (fields !== undefined) {
      this.#answer(fields);
    } else if (this.#head !== undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR) {
      this.#fail({ reason: "protocol", text: "the reply ended without grpc-status" });
    } else {
      const unprocessed = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || isIgnored(stream, this.#link);
      const text = this.#fault ?? `the call was reset with code ${stream.rstCode}`;
      this.#fail({ reason: "reset", text, unprocessed });
    }
  }

  #statusFields(): HeaderBlock | undefined {
    if (this.#trailers?.["grpc-status"] !== undefined) return this.#trailers;
    return this.#head?.["grpc-status"] === undefined ? undefined : this.#head;
  }

  #answer(fields: HeaderBlock): void {
    const status = parseStatus(headerText(fields, "grpc-status") ?? "");
    if (status === undefined) {
      this.#fail({ reason: "protocol", text: "the reply has a malformed grpc-status" });
      return;
    }
    if (status === STATUS.OK && this.#reader.progress !== "whole") {
      this.#fail({ reason: "protocol", text: "the reply has the status OK, but no whole message" });
      return;
    }
    const details = headerText(fields, "grpc-status-details-bin");
    this.#settle({
      kind: "answer",
      status,
      text: decodeStatusText(headerText(fields, "grpc-message") ?? ""),
      details: details === undefined ? undefined : decodeDetails(details),
      message: status === STATUS.OK ? this.#reader.take() : NOTHING,
      ...pauseOf(fields, this.#head),
    });
  }

  #fail(failure: Omit<Failure, "kind" | "unprocessed"> & { unprocessed?: boolean }): void {
    this.#settle({ kind: "failed", unprocessed: false, ...failure });
  }

  #settle(result: UnaryResult): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#timer();
    this.#options.settled(this);
    const stream = this.#stream;
    if (stream !== undefined && (result.kind === "failed" || !stream.writableFinished)) stop(stream);
    process.nextTick(this.#done, result);
  }
}

const NOTHING = new Uint8Array(0);

function pauseOf(...blocks: readonly (HeaderBlock | undefined)[]): { readonly retryAfterMs?: number } {
  for (const block of blocks) {
    const pauseMs = block === undefined ? undefined : retryAfterMs(block);
    if (pauseMs !== undefined) return { retryAfterMs: pauseMs };
  }
  return {};
}

/** Nothing more is wanted or sent. (After a whole exchange the stream closes by itself.) */
function stop(stream: ClientHttp2Stream): void {
  // After RST_STREAM with NO_ERROR node waits for the end of writing, which never comes.
  if (stream.closed) stream.destroy();
  else stream.close(constants.NGHTTP2_CANCEL);
}

/** A stream without an id never left this process. */
function isIgnored(stream: ClientHttp2Stream, link: ClientLink | undefined): boolean {
  return stream.id === undefined || link?.ignored(stream.id) === true;
}

const NO_HEADER_VALUE = /[^\t\x20-\x7e\x80-\xff]/u;

function requestHeaders(base: OutgoingHttpHeaders, request: UnaryRequest, timeoutMs: number): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...base, ":path": request.path, "grpc-timeout": formatTimeout(timeoutMs) };
  if (request.encoding !== "identity") headers["grpc-encoding"] = request.encoding;
  for (const name in request.metadata) {
    if (isReserved(name)) continue;
    const value = request.metadata[name]!;
    // Node sends it as it is, and the peer would reset the call as malformed.
    if (NO_HEADER_VALUE.test(value)) throw new TypeError(`metadata ${name} has characters that no header may have`);
    headers[name] = value;
  }
  return headers;
}

function isReserved(name: string): boolean {
  return name.startsWith(":") || name.startsWith("grpc-") || name === "te" || name === "content-type";
}

function send(stream: ClientHttp2Stream, request: UnaryRequest): void {
  const buffers = frameMessage(request.pieces, request.messageBytes, request.encoding !== "identity");
  if (buffers.length === 1) {
    stream.end(buffers[0]);
    return;
  }
  stream.cork();
  for (const buffer of buffers) stream.write(buffer);
  stream.end();
}
