import { constants, type ServerHttp2Stream } from "node:http2";
import { STATUS } from "./grpc-status.ts";
import {
  ACCEPTED_ENCODINGS,
  encodeDetails,
  encodeStatusText,
  type HeaderBlock,
  headerText,
  isContinue,
} from "./headers.ts";
import { InboundCall } from "./inbound-call.ts";
import { prefixed } from "./message-pieces.ts";
import type { UnaryHandler, UnaryReply } from "./port.ts";

/** What is known of a call before its handler is asked. */
export interface CallHead {
  readonly path: string;
  readonly peer: string;
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
export class NodeServerCall extends InboundCall {
  readonly path: string;
  readonly peer: string;
  readonly encoding: string;
  readonly timeoutMs: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: HeaderBlock;

  constructor(stream: ServerHttp2Stream, headers: HeaderBlock, head: CallHead) {
    super();
    this.path = head.path;
    this.peer = head.peer;
    this.timeoutMs = head.timeoutMs;
    this.encoding = headerText(headers, "grpc-encoding") ?? "identity";
    this.#stream = stream;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    return headerText(this.#headers, name);
  }

  /** Asks the handler what to do with the call, and reads the message unless it was replied to. */
  override begin(handler: UnaryHandler, bodyEnded: boolean): boolean {
    const stream = this.#stream;
    stream.on("close", () => this.cancel());
    if (!super.begin(handler, bodyEnded)) return false;
    if (isContinue(headerText(this.#headers, "expect"))) stream.additionalHeaders({ ":status": 100 });
    stream.on("data", (chunk: Buffer) => this.read(chunk));
    // A stream that was reset ends, too, and possibly in the middle: that is no protocol error to reply to.
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
      // Node sends the trailers in the next turn: a reset in this one would overtake them.
      if (!this.bodyEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
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
    // The rest of the body is not wanted: NO_ERROR tells the client to stop, and to take the reply (RFC 9113, 8.1).
    if (!this.bodyEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}
