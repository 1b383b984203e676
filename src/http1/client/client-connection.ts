import type { Duplex } from "node:stream";
import type { BytesOwner } from "../../core/arena/extent.ts";
import { viewBuffer } from "../../core/bytes.ts";
import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Timer, Timers } from "../../core/timers.ts";
import type { KnownHeads } from "../own/known-head.ts";
import type {
  ClientExchange,
  ExchangeFailure,
  OpenConnection,
  ReplyBreach,
  ReplyEvents,
  ReplyFault,
  ReplyHead,
  ReplyLimits,
} from "./contract.ts";
import { HttpReplyReader, UNASKED } from "./reply-reader.ts";
import { writeRequest } from "./write-request.ts";

/** What the connections of one pool share. */
export interface HttpClientShared {
  readonly connect: OpenConnection;
  readonly limits: ReplyLimits;
  readonly heads: KnownHeads<ReplyHead>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** So long a connection is kept without a request, where its peer says nothing else. */
  readonly keptMs: number;
  readonly onFault: (fault: ReplyFault) => void;
}

/** Whose connection it is. */
export interface ClientConnectionOwner {
  /** It may be given another request. */
  idle(connection: ClientConnection): void;
  /** A connection that was kept was dead when it was used again. */
  stale(): void;
  /** It takes no more requests; told once. */
  left(connection: ClientConnection): void;
  /** Its socket has closed; told once, at last. */
  closed(connection: ClientConnection): void;
}

/** A connection is left so long before its peer would close it, and kept no longer than this. */
const MARGIN_MS = 2_000;
const LONGEST_KEPT_MS = 600_000;
const NEVER = Number.POSITIVE_INFINITY;

/** One connection of a client, which has one request at a time. */
export class ClientConnection implements ReplyEvents, Timer {
  heapIndex = -1;
  readonly #shared: HttpClientShared;
  readonly #owner: ClientConnectionOwner;
  readonly #reader: HttpReplyReader;
  readonly #cancelConnect: Cancel;
  #state: "connecting" | "open" | "left" = "connecting";
  #socket: Duplex | undefined;
  #exchange: ClientExchange | undefined;
  /** Replies that have come on it, and whether something came since the request was begun. */
  #replies = 0;
  #heard = false;
  #isWritten = true;
  /** What the socket may still read although its exchange has ended. */
  #held: BytesOwner | undefined;
  /** It goes with the request that it has. */
  #isLast = false;
  #keptMs: number;
  #idleMs = NEVER;
  /** For when its timer is set. */
  #wakesMs = NEVER;
  readonly #onWritten = (): void => this.#written();

  constructor(shared: HttpClientShared, owner: ClientConnectionOwner, exchange: ClientExchange) {
    this.#shared = shared;
    this.#owner = owner;
    this.#keptMs = shared.keptMs;
    this.#exchange = exchange;
    this.#reader = new HttpReplyReader(shared.limits, this, shared.heads);
    this.#cancelConnect = shared.connect(
      (bytes) => this.#receive(bytes),
      (opened) => this.#opened(opened),
    );
  }

  /** It could take a request. */
  get isIdle(): boolean {
    return this.#state === "open" && this.#exchange === undefined;
  }

  /** Sends a request: only when it is idle, or connecting without one. */
  send(exchange: ClientExchange): void {
    this.#exchange = exchange;
    this.#idleMs = NEVER;
    if (this.#socket !== undefined) this.#begin(this.#socket, exchange);
  }

  /**
   * The exchange has ended without an answer; nothing more is told to it. True: it may be used
   * again.
   */
  abandon(exchange: ClientExchange): boolean {
    if (this.#exchange !== exchange) return false;
    if (this.#state === "connecting") {
      this.#exchange = undefined;
      return true;
    }
    this.#take();
    this.#leave();
    return false;
  }

  /** Takes no more requests, and goes with that which it has. */
  retire(): void {
    if (this.#state !== "open") return; // what is not there yet is as good as new
    if (this.#exchange === undefined) this.#leave();
    else this.#isLast = true;
  }

  /** Ends it, and what is under way on it. */
  close(text: string): void {
    this.#end({ reason: "closed", text });
    this.#leave();
  }

  /** It has been without a request for long enough, maybe. */
  fire(nowMs: number): void {
    this.#wakesMs = NEVER;
    if (nowMs >= this.#idleMs) this.#leave();
    else this.#arm();
  }

  head(head: ReplyHead): void {
    const { keptMs } = this.#shared;
    // Before its peer closes it: a request takes time to get there.
    this.#keptMs = head.keptMs === undefined ? keptMs : Math.min(head.keptMs - MARGIN_MS, LONGEST_KEPT_MS);
    if (head.closes || keptMs === 0 || this.#keptMs <= 0) this.#isLast = true;
    this.#exchange?.head(head);
  }

  data(bytes: Uint8Array): void {
    this.#exchange?.data(bytes);
  }

  end(isLast: boolean): void {
    this.#replies++;
    const exchange = this.#take();
    if (isLast || this.#isLast) this.#leave();
    else this.#rest();
    exchange?.end();
  }

  breach({ fault, message }: ReplyBreach, head: Buffer | undefined): void {
    this.#shared.onFault(fault);
    this.#lose(message, head);
  }

  #opened(opened: Duplex | Error): void {
    if (opened instanceof Error) {
      this.#leave();
      this.#end({ reason: "connect", text: reasonOf(opened) });
      return;
    }
    this.#state = "open";
    this.#socket = opened;
    opened.on("end", () => this.#peerEnded());
    opened.on("error", (cause: Error) => this.#lose(reasonOf(cause))); // TLS may leave the socket open then
    opened.once("close", () => this.#closed());
    // Behind its own answer a proxy may have passed on what would be taken for ours.
    if (opened.readableLength > 0) this.breach(UNASKED, undefined);
    else if (this.#exchange === undefined) this.#rest();
    else this.#begin(opened, this.#exchange);
  }

  #begin(socket: Duplex, exchange: ClientExchange): void {
    this.#heard = false;
    this.#isWritten = false;
    this.#reader.expect();
    exchange.began();
    writeRequest(socket, exchange.request, this.#onWritten);
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state === "left") return;
    this.#heard = true;
    this.#reader.receive(Buffer.isBuffer(bytes) ? bytes : viewBuffer(bytes));
  }

  #written(): void {
    this.#isWritten = true;
    this.#release();
    if (this.#exchange === undefined && this.#state === "open") this.#rest();
  }

  #release(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  /** Waits for the next request; before that, and no longer, for the last to be written. */
  #rest(): void {
    this.#idleMs = this.#shared.clock.nowMs() + this.#keptMs;
    this.#arm();
    if (this.#isWritten) this.#owner.idle(this);
  }

  /** A timer that comes too early costs less than one that is set for each request. */
  #arm(): void {
    if (this.#idleMs >= this.#wakesMs) return;
    this.#wakesMs = this.#idleMs;
    this.#shared.timers.set(this, this.#idleMs);
  }

  #peerEnded(): void {
    if (this.#state === "left" || this.#reader.finish()) return;
    this.#lose("the peer closed the connection");
  }

  #closed(): void {
    this.#lose("the connection was closed");
    this.#release();
    this.#owner.closed(this);
  }

  #lose(text: string, head?: Buffer): void {
    const isStale = this.#replies > 0 && !this.#heard;
    this.#leave();
    if (this.#exchange === undefined) return;
    if (isStale) this.#owner.stale();
    this.#end({ reason: isStale ? "stale" : "reset", text, head });
  }

  #end(failure: ExchangeFailure): void {
    this.#take()?.failed(failure);
  }

  /** The exchange has ended; what is not written yet is held until it is. */
  #take(): ClientExchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    const owner = exchange?.request.owner;
    if (!this.#isWritten && owner !== undefined) {
      owner.retain();
      this.#held = owner;
    }
    return exchange;
  }

  #leave(): void {
    if (this.#state === "left") return;
    this.#state = "left";
    this.#reader.stop();
    this.#shared.timers.clear(this);
    this.#owner.left(this);
    if (this.#socket !== undefined) {
      this.#socket.destroy();
      return;
    }
    this.#cancelConnect();
    this.#owner.closed(this);
  }
}
