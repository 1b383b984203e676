import type { Socket } from "node:net";
import { Bag, type BagItem } from "../core/bag.ts";
import type { Clock } from "../core/clock.ts";
import type { Refusal } from "../core/reason.ts";
import { peerOf } from "../core/sockets/peer-of.ts";
import type { ServedHttp } from "./listening.ts";
import { LINGER_MS } from "./port.ts";

/** What a connection knows of one request on it. */
export interface OpenRequest extends BagItem {
  /** The connection is gone. */
  lost(): void;
  /** What comes on the connection cannot be understood, or did not come in time. */
  broken(refusal: Refusal): void;
}

/**
 * One connection of node:http: which requests are open on it, and how it ends. Pipelined requests
 * are open at the same time.
 */
export class NodeHttpConnection implements ServedHttp {
  /** Address and port of the peer. */
  readonly peer: string;
  /** No request is taken from it any more. */
  closing = false;
  /** The open request that came last: the only one whose body may still be on its way. */
  newest: OpenRequest | undefined;
  readonly #socket: Socket;
  readonly #clock: Clock;
  /** Clock.nowMs() from which on a reply ends it. */
  #closesMs: number;
  readonly #open = new Bag<OpenRequest>();
  #ended = false;

  constructor(socket: Socket, clock: Clock, closesMs: number) {
    this.peer = peerOf(socket);
    this.#socket = socket;
    this.#clock = clock;
    this.#closesMs = closesMs;
  }

  get open(): number {
    return this.#open.size;
  }

  /** It has been open for so long that the next reply closes it. */
  get isOld(): boolean {
    return this.#clock.nowMs() >= this.#closesMs;
  }

  get isLeaving(): boolean {
    return this.closing || this.isOld;
  }

  retire(): void {
    this.#closesMs = this.#clock.nowMs();
  }

  /** node:http knows which are idle, and closes those. */
  closeIdle(): void {}

  begin(request: OpenRequest): void {
    this.#open.add(request);
    this.newest = request;
  }

  end(request: OpenRequest): void {
    this.#open.delete(request);
    if (this.newest === request) this.newest = undefined;
    if (this.closing && this.#open.size === 0) this.linger();
  }

  /** The socket closed: no open request can be answered. */
  lost(): void {
    this.closing = true;
    this.#ended = true;
    this.#open.forEach((request) => {
      this.#open.delete(request);
      request.lost();
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

  /** Closes once everything is written, but reads on for a while (LINGER_MS). */
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
