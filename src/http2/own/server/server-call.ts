import type { WaitingReader } from "../../../core/arena/extent.ts";
import { STATUS } from "../../grpc-status.ts";
import { InboundCall } from "../../inbound-call.ts";
import { prefixed } from "../../message-pieces.ts";
import type { UnaryReply } from "../../port.ts";
import { listedHeader } from "../header-list.ts";
import type { FixedReply } from "../frames/fixed-reply.ts";
import { errorBlock, SUCCESS, SUCCESS_HEAD, SUCCESS_TRAILERS } from "./reply-blocks.ts";
import type { StreamRequestHead } from "./request-head.ts";

/** Whose call it is. */
export interface ReplySender {
  readonly peer: string;
  readonly peerNames: readonly string[];
  /** What the peer takes of a reply's headers. */
  readonly maxHeaderListBytes: number;
  /** Sends a reply with a message, or, without one, the block of an error. */
  success(call: ServerCall, head: Uint8Array, message: Uint8Array, trailers: Uint8Array): void;
  known(call: ServerCall, reply: FixedReply): void;
  failure(call: ServerCall, block: Uint8Array): void;
  /** Gives its stream the credit that it was not given; the connection has had it. */
  repay(call: ServerCall, bytes: number): void;
}

/** One call on a stream. */
export class ServerCall extends InboundCall implements WaitingReader {
  readonly stream: number;
  /** It waits for a word before it sends its body. */
  awaitsContinue: boolean;
  readonly #head: StreamRequestHead;
  /** Credit of its stream that it was not given. */
  #owed = 0;
  readonly #sender: ReplySender;

  constructor(stream: number, head: StreamRequestHead, sender: ReplySender) {
    super();
    this.stream = stream;
    this.awaitsContinue = head.expectsContinue;
    this.#head = head;
    this.#sender = sender;
  }

  get path(): string {
    return this.#head.path;
  }

  get peer(): string {
    return this.#sender.peer;
  }

  get peerNames(): readonly string[] {
    return this.#sender.peerNames;
  }

  get encoding(): string {
    return this.#head.encoding;
  }

  get timeoutMs(): number | undefined {
    return this.#head.timeoutMs;
  }

  /** Whether the peer gets no credit for these bytes, which were read, before `goOn`. */
  withhold(bytes: number): boolean {
    if (!this.holdBack(this)) return false;
    this.#owed += bytes;
    return true;
  }

  goOn(): void {
    const owed = this.#owed;
    this.#owed = 0;
    this.#sender.repay(this, owed);
  }

  header(name: string): string | undefined {
    return listedHeader(this.#head.headers, name);
  }

  protected send(reply: UnaryReply): void {
    const { status, message } = reply;
    if (status !== STATUS.OK) this.#sender.failure(this, errorBlock(reply, this.#sender.maxHeaderListBytes));
    else if (message === undefined || message.length === 0) this.#sender.known(this, SUCCESS);
    else this.#sender.success(this, SUCCESS_HEAD, prefixed(message), SUCCESS_TRAILERS);
  }
}
