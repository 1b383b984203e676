import { constants, type ServerHttp2Stream } from "node:http2";
import { STATUS } from "./grpc-status.ts";
import { encodeDetails, encodeStatusText, type HeaderBlock, headerText } from "./headers.ts";
import { MessageReader, type PrefixJudge } from "./message-reader.ts";
import type { UnaryCall, UnaryExchange, UnaryHandler, UnaryReply } from "./port.ts";

/** What is known of a call before its handler is asked. */
export interface CallHead {
  readonly path: string;
  readonly peer: string;
  readonly timeoutMs: number | undefined;
}

const SUCCESS_HEADERS = {
  ":status": 200,
  "content-type": "application/grpc",
  "grpc-accept-encoding": "identity,gzip",
};
const SUCCESS_TRAILERS = { "grpc-status": "0" };
/** No Date header: gRPC has no use for it, and it would be one more string per reply. */
const SUCCESS_OPTIONS = { waitForTrailers: true, sendDate: false };
const ERROR_OPTIONS = { endStream: true, sendDate: false };
const EMPTY_MESSAGE = Buffer.alloc(5);

/** One call on a stream of node:http2: reads exactly one message, gives exactly one reply. */
export class ServerCall implements UnaryCall, PrefixJudge {
  readonly path: string;
  readonly peer: string;
  readonly encoding: string;
  readonly timeoutMs: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: HeaderBlock;
  #exchange: UnaryExchange | undefined;
  #over = false;
  #bodyEnded = false;

  constructor(stream: ServerHttp2Stream, headers: HeaderBlock, head: CallHead) {
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
  begin(handler: UnaryHandler, bodyEnded: boolean): void {
    this.#bodyEnded = bodyEnded;
    const exchange = handler(this);
    if (exchange === undefined || this.#over) return;
    this.#exchange = exchange;
    const stream = this.#stream;
    stream.on("close", () => this.#cancel());
    if (bodyEnded) {
      this.#refuse(STATUS.INTERNAL, "the call has no message");
      return;
    }
    const reader = new MessageReader(this);
    stream.on("data", (chunk: Buffer) => this.#read(reader, chunk));
    stream.on("end", () => this.#end(reader));
  }

  begins(flag: number, bytes: number): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#over) return false;
    if (flag > 1) return this.#refuse(STATUS.INTERNAL, `the message has the unknown flag ${flag}`);
    if (flag === 1 && this.encoding === "identity") {
      return this.#refuse(
        STATUS.INTERNAL,
        "the message is flagged as compressed, but grpc-encoding names no compression",
      );
    }
    if (bytes > exchange.maxMessageBytes) {
      const text = `the message has ${bytes} bytes, the limit is ${exchange.maxMessageBytes}`;
      return this.#refuse(STATUS.RESOURCE_EXHAUSTED, text);
    }
    const refusal = exchange.length(bytes);
    if (refusal !== undefined) this.reply(refusal);
    return !this.#over;
  }

  reply(reply: UnaryReply): void {
    if (this.#over) return;
    this.#over = true;
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    if (reply.status === STATUS.OK) this.#respond(reply.message);
    else this.#respondError(reply);
  }

  #read(reader: MessageReader, chunk: Buffer): void {
    if (this.#over) return;
    if (reader.add(chunk) === "excess") this.#refuse(STATUS.INTERNAL, "there are bytes after the message");
  }

  #end(reader: MessageReader): void {
    // A stream that was reset ends, too, and possibly in the middle: that is no protocol error to reply to.
    if (this.#over || this.#stream.closed) return;
    this.#bodyEnded = true;
    const progress = reader.progress;
    if (progress === "whole") this.#exchange?.message(reader.take(), reader.compressed);
    else if (progress === "none") this.#refuse(STATUS.INTERNAL, "the call has no message");
    else this.#refuse(STATUS.INTERNAL, "the call ended in the middle of its message");
  }

  /** The transport's own "no", after which the handler can give none. */
  #refuse(status: number, text: string): false {
    const exchange = this.#exchange;
    this.reply({ status, text });
    exchange?.cancelled();
    return false;
  }

  #cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#exchange?.cancelled();
  }

  #respond(message: Uint8Array | undefined): void {
    const stream = this.#stream;
    stream.respond(SUCCESS_HEADERS, SUCCESS_OPTIONS);
    stream.on("wantTrailers", () => {
      if (stream.destroyed || stream.closed) return; // node would throw
      stream.sendTrailers(SUCCESS_TRAILERS);
      // Node sends the trailers in the next turn: a reset in this one would overtake them.
      if (!this.#bodyEnded) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    stream.end(message === undefined || message.length === 0 ? EMPTY_MESSAGE : prefixed(message));
  }

  #respondError(reply: UnaryReply): void {
    const headers: Record<string, string | number> = {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-accept-encoding": "identity,gzip",
      "grpc-status": String(reply.status),
    };
    if (reply.text !== "") headers["grpc-message"] = encodeStatusText(reply.text);
    const details = reply.details === undefined ? undefined : encodeDetails(reply.details);
    if (details !== undefined) headers["grpc-status-details-bin"] = details;
    this.#stream.respond(headers, ERROR_OPTIONS);
    // The rest of the body is not wanted: NO_ERROR tells the client to stop, and to take the reply (RFC 9113, 8.1).
    if (!this.#bodyEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function prefixed(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}
