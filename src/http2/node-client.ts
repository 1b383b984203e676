import { type ClientHttp2Stream, constants, type OutgoingHttpHeaders } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import { ClientPool, type LinkOwner, type PooledCall } from "./client-pool.ts";
import { dialer, peerUrl } from "./dial.ts";
import { ACCEPTED_ENCODINGS, type HeaderBlock, isHeaderValue, isTransportHeader } from "./headers.ts";
import { PingPolicy, wasSilent } from "./liveness.ts";
import { NodeClientLink } from "./node-client-link.ts";
import type { UnaryClient, UnaryClientOptions, UnaryRequest, UnaryResult } from "./port.ts";
import { joinOwned } from "../core/bytes.ts";
import { reasonOf } from "../core/errors.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { frameMessage } from "./message-pieces.ts";
import { failed, readReplyFields, ReplyReader } from "./reply-reader.ts";
import { formatTimeout } from "./timeout.ts";

/**
 * A unary gRPC client over node:http2. Nothing is connected before the first call. Disposing it
 * ends it in peace: calls that wait for a connection fail, those under way run to their end, each
 * bounded by its own timeout. Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not
 * http or https.
 */
export function openUnaryClient(options: UnaryClientOptions, env: TimeAndChance): UnaryClient {
  const url = peerUrl(options.url);
  const pings = new PingPolicy({ timeMs: options.keepaliveTimeMs, timeoutMs: options.keepaliveTimeoutMs });
  const linkOptions = { ...options, pings, url, dial: dialer(url, options.tls, options) };
  const open = (owner: LinkOwner<NodeClientLink>): NodeClientLink => new NodeClientLink(linkOptions, owner, env.clock);
  return new NodeUnaryClient(url, new ClientPool({ connections: options.connections, open }, env), options, env.clock);
}

class NodeUnaryClient implements UnaryClient {
  readonly #pool: ClientPool<NodeClientLink, NodeClientCall>;
  readonly #options: UnaryClientOptions;
  readonly #clock: Clock;
  readonly #base: OutgoingHttpHeaders;
  readonly #settled = (call: NodeClientCall): void => this.#pool.forget(call);

  constructor(url: URL, pool: ClientPool<NodeClientLink, NodeClientCall>, options: UnaryClientOptions, clock: Clock) {
    this.#pool = pool;
    this.#options = options;
    this.#clock = clock;
    this.#base = {
      ":method": "POST",
      ":scheme": url.protocol.slice(0, -1),
      ":authority": url.host,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": options.userAgent,
      "grpc-accept-encoding": ACCEPTED_ENCODINGS,
    };
  }

  unary(request: UnaryRequest, done: (result: UnaryResult) => void): Cancel {
    const { maxResponseBytes } = this.#options;
    const options = { base: this.#base, clock: this.#clock, maxResponseBytes, settled: this.#settled };
    const call = new NodeClientCall(request, options, done);
    this.#pool.place(call, request.timeoutMs);
    return () => call.abandon("cancelled", "the call was cancelled");
  }

  cancelAll(): void {
    this.#pool.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}

interface NodeCallOptions {
  /** The headers that all requests have. */
  readonly base: OutgoingHttpHeaders;
  readonly clock: Clock;
  readonly maxResponseBytes: number;
  /** Told when the call is settled, before `done`. */
  readonly settled: (call: NodeClientCall) => void;
}

/**
 * One call of the client, from its start to its one result. `done` always runs in a turn of its
 * own.
 */
class NodeClientCall implements PooledCall<NodeClientLink> {
  readonly #request: UnaryRequest;
  readonly #options: NodeCallOptions;
  readonly #done: (result: UnaryResult) => void;
  readonly #timer: Cancel;
  readonly #reader: ReplyReader;
  #link: NodeClientLink | undefined;
  #stream: ClientHttp2Stream | undefined;
  #givenMs = 0;
  #bytesBefore = 0;
  #kept = false;
  #fault: string | undefined;
  #settled = false;

  constructor(request: UnaryRequest, options: NodeCallOptions, done: (result: UnaryResult) => void) {
    this.#request = request;
    this.#options = options;
    this.#done = done;
    this.#reader = new ReplyReader(options.maxResponseBytes);
    this.#timer = options.clock.after(request.timeoutMs, () => {
      this.#timeOut(`no reply within ${request.timeoutMs} ms`);
    });
  }

  /** Sends the call. `timeoutMs` is what is left for it. */
  start(link: NodeClientLink, timeoutMs: number): void {
    this.#link = link;
    this.#givenMs = timeoutMs;
    this.#bytesBefore = link.bytesRead;
    this.#kept = link.isKept;
    let stream: ClientHttp2Stream;
    try {
      stream = link.request(requestHeaders(this.#options.base, this.#request, timeoutMs));
    } catch (cause) {
      // Only metadata that is no header can be the reason: to send it again is of no use.
      this.#settle(failed({ reason: "protocol", text: reasonOf(cause), unprocessed: true }));
      return;
    }
    this.#stream = stream;
    link.begun(this);
    stream.on("response", (headers: HeaderBlock) => this.#onResponse(headers));
    stream.on("trailers", (trailers: HeaderBlock) => this.#reader.trailers(readReplyFields(trailers)));
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
    if (this.#reader.hasStatus) this.#settle(this.#reader.end()); // its peer only left the stream open
    this.#settle(failed({ reason, text, unprocessed: this.#stream === undefined }));
  }

  #timeOut(text: string): void {
    const link = this.#link;
    if (link !== undefined && wasSilent(this.#bytesBefore, link.bytesRead, this.#givenMs)) link.replace();
    this.abandon("timeout", text);
  }

  #onResponse(headers: HeaderBlock): void {
    this.#settleIf(this.#reader.head(readReplyFields(headers)));
  }

  #onData(chunk: Buffer): void {
    if (!this.#settled) this.#settleIf(this.#reader.data(chunk));
  }

  /**
   * A reset with an error code closes the stream, too, and then says more. One without may leave it
   * open.
   */
  #onEnd(stream: ClientHttp2Stream): void {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR || this.#reader.hasStatus) this.#conclude(stream);
  }

  #conclude(stream: ClientHttp2Stream): void {
    if (this.#settled) return;
    const { hasStatus, hasHead } = this.#reader;
    if (hasStatus || (hasHead && stream.rstCode === constants.NGHTTP2_NO_ERROR)) {
      this.#settle(this.#reader.end());
      return;
    }
    const ignored = isIgnored(stream, this.#link);
    const unprocessed = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || ignored;
    const text = this.#fault ?? `the call was reset with code ${stream.rstCode}`;
    const reason = this.#isStale(ignored) ? "stale" : "reset";
    this.#settle(failed({ reason, text, unprocessed }));
  }

  /**
   * Its connection was kept, and of a call that the peer did not look at, the end of that is all
   * that came.
   */
  #isStale(ignored: boolean): boolean {
    const link = this.#link;
    if (!this.#kept || link === undefined) return false;
    if (!ignored && !(link.isLost && link.bytesRead === this.#bytesBefore)) return false;
    link.stale();
    return true;
  }

  #settleIf(result: UnaryResult | undefined): void {
    if (result !== undefined) this.#settle(result);
  }

  #settle(result: UnaryResult): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#timer();
    this.#options.settled(this);
    const stream = this.#stream;
    if (stream !== undefined) this.#link?.settled(this);
    if (stream !== undefined && (result.kind === "failed" || !stream.writableFinished)) stop(stream);
    process.nextTick(this.#done, result);
  }
}

/** Nothing more is wanted or sent. (After a whole exchange the stream closes by itself.) */
function stop(stream: ClientHttp2Stream): void {
  // After RST_STREAM with NO_ERROR node waits for the end of writing, which never comes.
  if (stream.closed) stream.destroy();
  else stream.close(constants.NGHTTP2_CANCEL);
}

/** A stream without an id never left this process. */
function isIgnored(stream: ClientHttp2Stream, link: NodeClientLink | undefined): boolean {
  return stream.id === undefined || link?.ignored(stream.id) === true;
}

function requestHeaders(base: OutgoingHttpHeaders, request: UnaryRequest, timeoutMs: number): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...base, ":path": request.path, "grpc-timeout": formatTimeout(timeoutMs) };
  if (request.encoding !== "identity") headers["grpc-encoding"] = request.encoding;
  for (const name in request.metadata) {
    if (isTransportHeader(name)) continue;
    const value = request.metadata[name]!;
    // Node sends it as it is, and the peer would reset the call as malformed.
    if (!isHeaderValue(value)) throw new TypeError(`metadata ${name} has characters that no header may have`);
    headers[name] = value;
  }
  return headers;
}

function send(stream: ClientHttp2Stream, request: UnaryRequest): void {
  // Node keeps what it has not written yet, and does not tell when it has.
  const pieces = request.owner === undefined ? request.pieces : [joinOwned(request.pieces, request.messageBytes)];
  const buffers = frameMessage(pieces, request.messageBytes, request.encoding !== "identity");
  if (buffers.length === 1) {
    stream.end(buffers[0]);
    return;
  }
  stream.cork();
  for (const buffer of buffers) stream.write(buffer);
  stream.end();
}
