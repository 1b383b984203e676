import type { Socket } from "node:net";
import { Bag, type BagItem } from "../../core/bag.ts";
import type { Clock } from "../../core/clock.ts";
import type { Refusal } from "../../core/reason.ts";

/** What a connection knows of one request on it. */
export interface OpenExchange extends BagItem {
  /** The connection is gone. */
  gone(): void;
  /** What comes on the connection cannot be understood, or did not come in time. */
  broken(refusal: Refusal): void;
}

/**
 * How long a connection is read on, and thrown away, after a reply that did not wait for its
 * request's body.
 */
const LINGER_MS = 1_000;

/**
 * One connection: which requests are open on it, and how it ends. Pipelined requests are open at
 * the same time.
 */
export class HttpConnection {
  /** Address and port of the peer. */
  readonly peer: string;
  /** No request is taken from it any more. */
  closing = false;
  /** The open request that came last: the only one whose body may still be on its way. */
  newest: OpenExchange | undefined;
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** Clock.nowMs() from which on a reply ends it. */
  #closesMs: number;
  readonly #open = new Bag<OpenExchange>();
  #ended = false;

  constructor(socket: Socket, clock: Clock, closesMs: number) {
    const { remoteAddress = "", remotePort = 0 } = socket;
    this.peer = remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
    this.#socket = socket;
    this.#clock = clock;
    this.#closesMs = closesMs;
  }

  /** Requests whose reply is not written yet. */
  get open(): number {
    return this.#open.size;
  }

  /** It has been open for so long that the next reply closes it. */
  get isOld(): boolean {
    return this.#clock.nowMs() >= this.#closesMs;
  }

  /** The next reply closes it. */
  retire(): void {
    this.#closesMs = this.#clock.nowMs();
  }

  begin(exchange: OpenExchange): void {
    this.#open.add(exchange);
    this.newest = exchange;
  }

  end(exchange: OpenExchange): void {
    this.#open.delete(exchange);
    if (this.newest === exchange) this.newest = undefined;
    if (this.closing && this.#open.size === 0) this.linger();
  }

  /** The socket closed: no open request can be answered. */
  lost(): void {
    this.closing = true;
    this.#ended = true;
    this.#open.forEach((exchange) => {
      this.#open.delete(exchange);
      exchange.gone();
    });
    this.newest = undefined;
  }

  /**
   * Says why nothing more can be read, to the request that is being read or else with `raw`; closes
   * when all is answered.
   */
  breakOff(refusal: Refusal, raw: () => Uint8Array): void {
    this.closing = true;
    if (this.newest !== undefined) {
      this.newest.broken(refusal);
      return;
    }
    this.#socket.write(raw());
    this.linger();
  }

  /**
   * Node closes a connection itself after a reply with `Connection: close`; from now on it lingers
   * instead.
   */
  lingerAfterReply(): void {
    this.closing = true;
    this.#socket.destroySoon = () => this.linger();
  }

  /**
   * Closes once everything is written, but reads on for a while: closing a socket with unread bytes
   * resets it, and the sender would lose the reply that tells it why (RFC 9112, 9.6).
   */
  linger(): void {
    const socket = this.#socket;
    this.closing = true;
    if (this.#ended) return;
    this.#ended = true;
    socket.end();
    const cancel = this.#clock.after(LINGER_MS, () => socket.destroy());
    socket.once("close", cancel);
  }
}
