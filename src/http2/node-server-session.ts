import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Cancel, Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { STATUS } from "./grpc-status.ts";
import {
  ACCEPTED_ENCODINGS,
  encodeDetails,
  encodeStatusText,
  type HeaderBlock,
  headerText,
  httpStatusOf,
  isContinue,
} from "./headers.ts";
import { certificateNames } from "./certificate-names.ts";
import { peerOf } from "../core/sockets/peer-of.ts";
import { HELLO_TIMEOUT_MS, type ServedConnection } from "./listening.ts";
import { NodeLeftovers } from "./node-leftovers.ts";
import { watchLiveness } from "./node-liveness.ts";
import { keepNative, keepNativeFor } from "./node-natives.ts";
import type { UnaryHandler, UnaryReply, UnaryServerOptions } from "./port.ts";
import { CONNECTION_WINDOW_BYTES } from "./session-settings.ts";
import { parseTimeout } from "./timeout.ts";
import { InboundCall } from "./inbound-call.ts";
import { prefixed } from "./message-pieces.ts";

interface NodeConnection {
  readonly session: ServerHttp2Session;
  /** What the session runs on; node hands out only a proxy of it, which cannot be destroyed. */
  readonly socket: Socket;
}

/** One connection of the server: serves its calls, ends it when it is old, silent or asked to. */
export class ServerSession implements ServedConnection {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #options: UnaryServerOptions;
  readonly #clock: Clock;
  readonly #peer: string;
  readonly #leftovers: NodeLeftovers;
  readonly #timers: Cancel[] = [];

  constructor(connection: NodeConnection, options: UnaryServerOptions, env: { clock: Clock; random: Random }) {
    const { session, socket } = connection;
    this.#session = session;
    this.#socket = socket;
    this.#options = options;
    this.#clock = env.clock;
    this.#peer = peerOf(socket);
    this.#leftovers = new NodeLeftovers(session, env.clock);
    keepNative(session);
    if (!session.destroyed) session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    // What broke a connection is the peer's matter; its calls are cancelled one by one. Node would
    // keep the socket until what it has written is read, which may be never.
    session.on("error", () => this.#destroySocket());
    socket.on("error", () => this.#destroySocket());
    session.on("stream", (stream, headers, flags) => this.#onStream(stream, headers, flags));
    session.once("close", () => {
      for (const cancel of this.#timers) cancel();
    });
    this.#expectHello();
    this.#limitAge(env.random);
    const { keepaliveTimeMs: timeMs, keepaliveTimeoutMs: timeoutMs } = options;
    this.#timers.push(
      watchLiveness(
        connection,
        { limits: { timeMs, timeoutMs }, wanted: () => true, lost: () => this.destroy() },
        env.clock,
      ),
    );
  }

  /** GOAWAY; the connection closes when its calls have ended, at the latest after `graceMs`. */
  retire(graceMs: number): void {
    this.#timers.push(this.#clock.after(graceMs, () => this.destroy()));
    // When the last call has ended node sends FIN and reads on until the client has closed, too. So
    // the GOAWAY is not lost by a reset of the socket, and the client knows that what it sent after
    // it may be sent again.
    this.#leftovers.endAll();
    this.#session.close();
  }

  /** Resets what is under way. With NO_ERROR a client would take a cut reply for an ended one. */
  destroy(): void {
    this.#session.destroy(new Error("the connection is given up"), constants.NGHTTP2_CANCEL);
    this.#destroySocket(); // a closing session would wait for the client
  }

  #destroySocket(): void {
    setImmediate(() => this.#socket.destroy()); // the GOAWAY goes first
  }

  #expectHello(): void {
    const cancel = this.#clock.after(HELLO_TIMEOUT_MS, () => this.destroy());
    this.#session.once("remoteSettings", cancel);
    this.#timers.push(cancel);
  }

  #limitAge(random: Random): void {
    const { maxConnectionAgeMs: ageMs, maxConnectionAgeGraceMs: graceMs } = this.#options;
    if (ageMs <= 0) return;
    const jitteredMs = ageMs * (0.9 + 0.2 * random.next()); // so that clients that came together do not leave together
    this.#timers.push(this.#clock.after(jitteredMs, () => this.retire(graceMs)));
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number): void {
    stream.on("error", ignore);
    keepNativeFor(stream);
    if (stream.destroyed || stream.closed) return; // node tells of a stream a moment later: it was reset meanwhile
    const bodyEnded = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const status = httpStatusOf(headers[":method"], headerText(headers, "content-type"));
    if (status !== 200) {
      stream.respond(status === 405 ? { ":status": 405, allow: "POST" } : { ":status": status }, { endStream: true });
      if (!bodyEnded) this.#leftovers.dismiss(stream, true); // who is told an error of HTTP stops by itself
      return;
    }
    const timeout = headerText(headers, "grpc-timeout");
    const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout);
    const head = { path: headers[":path"] ?? "", peer: this.#peer, socket: this.#socket, timeoutMs };
    const call = new NodeServerCall(stream, headers, head, this.#leftovers);
    if (timeout !== undefined && timeoutMs === undefined) {
      call.refuse(STATUS.INTERNAL, `grpc-timeout "${timeout}" is malformed`, bodyEnded);
      return;
    }
    call.begin(this.#options.handler, bodyEnded);
  }
}

function ignore(): void {}

/** What is known of a call before its handler is asked. */
interface CallHead {
  readonly path: string;
  readonly peer: string;
  readonly socket: Socket;
  readonly timeoutMs: number | undefined;
}

const SUCCESS_HEADERS = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": ACCEPTED_ENCODINGS,
};
const SUCCESS_TRAILERS = { "grpc-status": "0" };
/** No Date header: gRPC has no use for it, and it would be one more string per reply. */
const SUCCESS_OPTIONS = { waitForTrailers: true, sendDate: false };
const ERROR_OPTIONS = { endStream: true, sendDate: false };
const NOTHING = new Uint8Array(0);

/** One call on a stream of node:http2. */
class NodeServerCall extends InboundCall {
  readonly path: string;
  readonly peer: string;
  readonly encoding: string;
  readonly timeoutMs: number | undefined;
  readonly #socket: Socket;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: HeaderBlock;
  readonly #leftovers: NodeLeftovers;
  /** It waits for a word before it sends its body. */
  #awaitsContinue: boolean;

  constructor(stream: ServerHttp2Stream, headers: HeaderBlock, head: CallHead, leftovers: NodeLeftovers) {
    super();
    this.path = head.path;
    this.peer = head.peer;
    this.timeoutMs = head.timeoutMs;
    this.encoding = headerText(headers, "grpc-encoding") ?? "identity";
    this.#socket = head.socket;
    this.#stream = stream;
    this.#headers = headers;
    this.#leftovers = leftovers;
    this.#awaitsContinue = isContinue(headerText(headers, "expect"));
  }

  get peerNames(): readonly string[] {
    return certificateNames(this.#socket);
  }

  header(name: string): string | undefined {
    return headerText(this.#headers, name);
  }

  /** Asks the handler what to do with the call, and reads the message unless it was replied to. */
  override begin(handler: UnaryHandler, bodyEnded: boolean): boolean {
    const stream = this.#stream;
    stream.on("close", () => this.cancel());
    if (!super.begin(handler, bodyEnded)) return false;
    if (this.#awaitsContinue) stream.additionalHeaders({ ":status": 100 });
    this.#awaitsContinue = false;
    stream.on("data", (chunk: Buffer) => this.read(chunk));
    // A stream that was reset ends, too, and possibly in the middle: that is no protocol error to
    // reply to.
    stream.on("end", () => {
      if (!stream.closed) this.end();
    });
    return true;
  }

  protected send(reply: UnaryReply): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (reply.status === STATUS.OK) this.#respond(reply.message);
    else this.#respondError(reply);
  }

  #respond(message: Uint8Array | undefined): void {
    const stream = this.#stream;
    stream.respond(SUCCESS_HEADERS, SUCCESS_OPTIONS);
    stream.on("wantTrailers", () => {
      if (stream.destroyed || stream.closed) return; // node would throw
      stream.sendTrailers(SUCCESS_TRAILERS);
      this.#dismiss();
    });
    stream.end(prefixed(message ?? NOTHING));
  }

  #respondError(reply: UnaryReply): void {
    const headers: Record<string, string | number> = {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-accept-encoding": ACCEPTED_ENCODINGS,
      "grpc-status": String(reply.status),
    };
    if (reply.text !== "") headers["grpc-message"] = encodeStatusText(reply.text);
    const details = reply.details === undefined ? undefined : encodeDetails(reply.details);
    if (details !== undefined) headers["grpc-status-details-bin"] = details;
    this.#stream.respond(headers, ERROR_OPTIONS);
    this.#dismiss();
  }

  /** What is left of its body is not wanted. */
  #dismiss(): void {
    if (!this.bodyEnded) this.#leftovers.dismiss(this.#stream, this.#awaitsContinue);
  }
}
