import type { ServerHttp2Stream } from "node:http2";
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
import type { NodeLeftovers } from "./node-leftovers.ts";
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
  readonly #leftovers: NodeLeftovers;
  /** It waits for a word before it sends its body. */
  #awaitsContinue: boolean;

  constructor(stream: ServerHttp2Stream, headers: HeaderBlock, head: CallHead, leftovers: NodeLeftovers) {
    super();
    this.path = head.path;
    this.peer = head.peer;
    this.timeoutMs = head.timeoutMs;
    this.encoding = headerText(headers, "grpc-encoding") ?? "identity";
    this.#stream = stream;
    this.#headers = headers;
    this.#leftovers = leftovers;
    this.#awaitsContinue = isContinue(headerText(headers, "expect"));
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
