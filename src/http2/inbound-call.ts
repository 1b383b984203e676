import type { WaitingReader } from "../core/arena/extent.ts";
import { STATUS } from "./grpc-status.ts";
import { MessageReader, type MessageGuard } from "./message-reader.ts";
import type { UnaryCall, UnaryExchange, UnaryHandler, UnaryReply } from "./port.ts";

/**
 * One call of a server: reads exactly one message, gives exactly one reply. How a reply is sent is
 * the transport's.
 */
export abstract class InboundCall implements UnaryCall, MessageGuard {
  abstract readonly path: string;
  abstract readonly peer: string;
  abstract readonly peerNames: readonly string[];
  abstract readonly encoding: string;
  abstract readonly timeoutMs: number | undefined;
  #exchange: UnaryExchange | undefined;
  #reader: MessageReader | undefined;
  #over = false;
  #bodyEnded = false;

  abstract header(name: string): string | undefined;

  /** Sends the reply; called at most once. Must do nothing when the peer is gone. */
  protected abstract send(reply: UnaryReply): void;

  /** The peer has sent all that it will. */
  get bodyEnded(): boolean {
    return this.#bodyEnded;
  }

  /** Asks the handler what to do with the call. True: its body is to be read. */
  begin(handler: UnaryHandler, bodyEnded: boolean): boolean {
    this.#bodyEnded = bodyEnded;
    const exchange = handler(this);
    if (exchange === undefined || this.#over) return false;
    this.#exchange = exchange;
    if (bodyEnded) return this.#refuse(STATUS.INTERNAL, "the call has no message");
    this.#reader = new MessageReader(this, exchange.memory);
    return true;
  }

  /** Refuses the call without asking the handler. */
  refuse(status: number, text: string, bodyEnded: boolean): void {
    this.#bodyEnded = bodyEnded;
    this.reply({ status, text });
  }

  /** Body bytes, which are copied. */
  read(chunk: Uint8Array): void {
    if (this.#over || this.#reader === undefined) return;
    if (this.#reader.add(chunk) === "excess") this.#refuse(STATUS.INTERNAL, "there are bytes after the message");
  }

  /** Whether the rest of its body has to wait, until `goOn` is called. */
  holdBack(reader: WaitingReader): boolean {
    return !this.#over && this.#exchange?.holdBack?.(reader) === true;
  }

  /** The body has ended, in peace. */
  end(): void {
    this.#bodyEnded = true;
    const reader = this.#reader;
    if (this.#over || reader === undefined) return;
    const progress = reader.progress;
    if (progress === "whole") this.#hand(reader);
    else if (progress === "none") this.#refuse(STATUS.INTERNAL, "the call has no message");
    else this.#refuse(STATUS.INTERNAL, "the call ended in the middle of its message");
  }

  /** The peer is gone, or has reset the call. */
  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.#exchange?.cancelled();
  }

  reply(reply: UnaryReply): void {
    if (this.#over) return;
    this.#over = true;
    this.#drop();
    this.send(reply);
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

  holds(bytes: number): boolean {
    const refusal = this.#exchange?.holds?.(bytes);
    if (refusal !== undefined) this.reply(refusal);
    return !this.#over;
  }

  /** The reader, 88 bytes, need not wait for the reply with the call. */
  #hand(reader: MessageReader): void {
    this.#reader = undefined;
    const body = reader.take();
    this.#exchange?.message(body.bytes, reader.compressed, body);
  }

  #drop(): void {
    this.#reader?.drop();
    this.#reader = undefined;
  }

  /** The transport's own "no", after which the handler can give none. */
  #refuse(status: number, text: string): false {
    const exchange = this.#exchange;
    this.reply({ status, text });
    exchange?.cancelled();
    return false;
  }
}
