import { joinOwned } from "../../core/bytes.ts";
import type { Refusal } from "../../core/reason.ts";
import type { HttpHandler, HttpReply } from "../port.ts";
import {
  type Breach,
  type HttpFault,
  type HttpLimits,
  refusalOf,
  type RequestEvents,
  type InboundHead,
} from "./contract.ts";
import { InboundRequest, type RequestOwner } from "./inbound-request.ts";
import type { KnownHeads } from "./known-head.ts";
import { CONTINUE, type ReplyWriter } from "./reply-writer.ts";
import { RequestReader } from "./request-reader.ts";
import type { WaitingBytes } from "./waiting-bytes.ts";

/** What the connections of one listener share. */
export interface ConnectionShared {
  readonly limits: HttpLimits;
  readonly handler: HttpHandler;
  readonly refuse: (refusal: Refusal) => HttpReply;
  readonly heads: KnownHeads;
  readonly writer: ReplyWriter;
  readonly waiting: WaitingBytes;
  readonly onFault: (fault: HttpFault) => void;
}

/** Whose connection it is. Neither may throw. */
export interface ConnectionOwner {
  readonly peer: string;
  /** Connections are to close. */
  readonly isDraining: boolean;
  /** There may be something to write, or reading stops, or goes on. */
  changed(): void;
}

const NEVER = Number.POSITIVE_INFINITY;
/** What a peer that has sent its last waits for at most: it may have gone, which looks the same. */
const HALF_OPEN_MS = 1_000;
/** Stands for requests of which no head is known. */
const NO_HEAD: InboundHead = {
  method: "",
  target: "",
  fields: [],
  isChunked: false,
  expects: false,
  closes: true,
  memo: { value: undefined },
};

/**
 * A server's side of one connection of HTTP/1.1, without I/O: bytes and the time in, replies out in
 * the order of their requests. What breaks the rules is answered behind all that came before it,
 * and is the last thing that is.
 */
export class HttpConnection implements RequestEvents, RequestOwner {
  readonly #shared: ConnectionShared;
  readonly #owner: ConnectionOwner;
  readonly #reader: RequestReader;
  /** The row of requests whose reply is not written yet. */
  #first: InboundRequest | undefined;
  #last: InboundRequest | undefined;
  #open = 0;
  /** Whose body is being read, also when it has its reply. */
  #current: InboundRequest | undefined;
  /** No request is taken any more. */
  #closing = false;
  #done = false;
  #isPaused = false;
  /** What came of requests that are not to begin yet: the rest of one read at most. */
  #held: Buffer | undefined;
  /** What it takes of the room for that, until all of it is read. */
  #heldBytes = 0;
  /** Since when replies have waited for the peer to read. */
  #blockedMs = NEVER;
  /** When the peer sent its last. */
  #endedMs = NEVER;
  #nowMs: number;
  /** When the request that is being read began; and since when there was none. */
  #beganMs: number;
  #idleMs: number;
  /** No request has begun on it yet. */
  #isFresh = true;
  /** From when on a reply ends it. */
  #closesMs: number;

  constructor(
    shared: ConnectionShared,
    owner: ConnectionOwner,
    { nowMs, closesMs }: { nowMs: number; closesMs: number },
  ) {
    this.#shared = shared;
    this.#owner = owner;
    this.#reader = new RequestReader(shared.limits, this, shared.heads);
    this.#nowMs = nowMs;
    this.#beganMs = nowMs;
    this.#idleMs = nowMs;
    this.#closesMs = closesMs;
  }

  get peer(): string {
    return this.#owner.peer;
  }

  /** Requests whose reply is not written yet. */
  get open(): number {
    return this.#open;
  }

  /** All is written, and nothing more will be. */
  get done(): boolean {
    return this.#done;
  }

  /** No request is taken any more, or only until the next reply. */
  isLeaving(nowMs: number): boolean {
    return this.#closing || nowMs >= this.#closesMs;
  }

  /** As many requests wait for their replies as may. */
  get isFull(): boolean {
    return this.#open >= this.#shared.limits.maxRequests;
  }

  /** Whether more should be read: a request that has begun is read to its end. */
  get wantsBytes(): boolean {
    if (this.#isPaused || this.#blockedMs !== NEVER || this.#held !== undefined) return false;
    return this.#reader.isWithin || !this.isFull;
  }

  receive(bytes: Buffer, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#held !== undefined) {
      this.#hold([this.#held, bytes]); // was on its way when reading stopped
      return;
    }
    const end = this.#read(bytes);
    if (end < bytes.length) this.#hold([bytes.subarray(end)]);
  }

  /** What is to wait, where there is room for it. */
  #hold(pieces: readonly Buffer[]): void {
    this.#letGo();
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.#shared.waiting.take(bytes)) {
      this.#heldBytes = bytes;
      this.#held = joinOwned(pieces);
      return;
    }
    const message = `${this.#open} requests before this one wait for their reply`;
    this.#reader.breach({ fault: "pipelined", message });
  }

  #letGo(): void {
    this.#shared.waiting.free(this.#heldBytes);
    this.#heldBytes = 0;
    this.#held = undefined;
  }

  /** Goes on with what had to wait, if there is room for it and the peer reads replies. */
  readOn(nowMs: number): void {
    const held = this.#held;
    if (held === undefined || this.isFull || this.#isPaused || this.#blockedMs !== NEVER) return;
    this.#nowMs = nowMs;
    this.#held = undefined;
    const end = this.#read(held);
    if (this.#closing) return;
    if (end < held.length) {
      this.#held = held.subarray(end);
      return;
    }
    this.#letGo();
    if (this.#endedMs !== NEVER) this.#finish();
  }

  /** Returns how much of it was read. */
  #read(bytes: Buffer): number {
    const beganMs = this.#beganMs;
    if (!this.#reader.isWithin) this.#beganMs = this.#nowMs;
    const end = this.#reader.receive(bytes);
    if (this.#reader.isWithin) this.#isFresh = false;
    else if (this.#isFresh) this.#beganMs = beganMs; // an empty line begins no request
    return end;
  }

  /**
   * The peer sends no more. It may have gone away, and it may only have said that this is all: so
   * what has its reply soon is told, and what has none by then is called off.
   */
  ended(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#endedMs = nowMs;
    if (this.#held === undefined) this.#finish();
    else this.#owner.changed();
  }

  /** Nothing can be written any more. */
  lost(): void {
    this.#stop();
    for (let request = this.#first; request !== undefined; request = request.next) request.lost();
    this.#first = undefined;
    this.#last = undefined;
    this.#open = 0;
  }

  /** The next reply closes it. */
  retire(): void {
    this.#closesMs = Number.NEGATIVE_INFINITY;
  }

  /** Closes it, unless a request is under way. */
  closeIdle(): void {
    if (this.#open > 0 || this.#reader.isWithin || this.#held !== undefined) return;
    this.#close();
  }

  /** Replies wait for the peer to read, since now; or do not. */
  setBlocked(isBlocked: boolean, nowMs: number): void {
    if (!isBlocked) this.#blockedMs = NEVER;
    else if (this.#blockedMs === NEVER) this.#blockedMs = nowMs;
  }

  /** When `tick` is to be called at the latest. */
  get dueMs(): number {
    const { headTimeoutMs, bodyTimeoutMs, idleTimeoutMs } = this.#shared.limits;
    if (this.#done) return NEVER;
    if (this.#endedMs < NEVER) return this.#endedMs + HALF_OPEN_MS;
    if (this.#blockedMs < NEVER) return this.#blockedMs + bodyTimeoutMs;
    if (this.#isFresh || this.#reader.isWithinHead) return this.#beganMs + headTimeoutMs;
    if (this.#reader.isWithin) return this.#beganMs + bodyTimeoutMs;
    return this.#open > 0 ? NEVER : this.#idleMs + idleTimeoutMs;
  }

  /** Ends what has taken too long. True: the peer has gone, or does not read: it is to be reset. */
  tick(nowMs: number): boolean {
    this.#nowMs = nowMs;
    if (nowMs < this.dueMs) return false;
    if (this.#endedMs < NEVER) return true;
    if (this.#blockedMs < NEVER) {
      this.#shared.onFault("stalled");
      return true;
    }
    const message = "the request did not come in time";
    if (this.#isFresh || this.#reader.isWithinHead) this.#reader.breach({ fault: "head_timeout", message });
    else if (this.#reader.isWithin) this.#reader.breach({ fault: "body_timeout", message });
    else this.#close();
    return false;
  }

  head(head: InboundHead, length: number | undefined): void {
    this.#isFresh = false;
    const request = new InboundRequest(head, length, this);
    this.#current = request;
    this.#append(request);
    request.begin(this.#shared.handler(request));
    if (request.continues) this.#owner.changed();
  }

  data(bytes: Uint8Array): void {
    this.#current?.data(bytes);
  }

  end(): void {
    const request = this.#current;
    this.#current = undefined;
    this.#beganMs = this.#nowMs;
    if (request?.head.closes === true) this.#stop();
    request?.end();
  }

  breach(breach: Breach): void {
    this.#shared.onFault(breach.fault);
    this.#stop();
    const current = this.#current;
    this.#current = undefined;
    if (current === undefined) this.#appendRefusal(refusalOf(breach));
    else current.exchange?.broken(refusalOf(breach));
    if (this.#open === 0) this.#done = true;
    this.#owner.changed();
  }

  replied(leaves: boolean): void {
    if (leaves) this.#stop();
    this.#owner.changed();
  }

  paused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#owner.changed();
  }

  /** What is to be written now, in one piece; undefined: nothing. */
  takeOutput(nowMs: number): Uint8Array | undefined {
    this.#nowMs = nowMs;
    let all: Uint8Array[] | undefined;
    let only: Uint8Array | undefined;
    for (let piece = this.#nextPiece(); piece !== undefined; piece = this.#nextPiece()) {
      if (only === undefined) only = piece;
      else if (all === undefined) all = [only, piece];
      else all.push(piece);
    }
    return all === undefined ? only : joinOwned(all);
  }

  #nextPiece(): Uint8Array | undefined {
    const request = this.#first;
    if (request === undefined || this.#done) return undefined;
    if (request.continues) {
      request.continues = false;
      return CONTINUE;
    }
    if (request.answer === undefined) return undefined;
    const isLast = request.next === undefined;
    this.#first = request.next;
    if (isLast) this.#last = undefined;
    this.#open--;
    this.#idleMs = this.#nowMs;
    // A pipelined request behind this one would lose its reply if the connection closed here.
    const closes = request.leaves || (isLast && this.#held === undefined && this.#closesNow(request));
    if (closes) this.#close();
    return this.#shared.writer.write(request.answer, closes, request.head.method === "HEAD");
  }

  #closesNow({ head }: InboundRequest): boolean {
    return head.closes || this.#closing || this.#owner.isDraining || this.#nowMs >= this.#closesMs;
  }

  /** All that was sent has been read. */
  #finish(): void {
    this.#reader.finish();
    this.#stop();
    if (this.#open === 0) this.#done = true;
    this.#owner.changed();
  }

  #append(request: InboundRequest): void {
    if (this.#last === undefined) this.#first = request;
    else this.#last.next = request;
    this.#last = request;
    this.#open++;
  }

  #appendRefusal(refusal: Refusal): void {
    const request = new InboundRequest(NO_HEAD, 0, this);
    request.answer = this.#shared.refuse(refusal);
    this.#append(request);
  }

  #stop(): void {
    this.#isFresh = false;
    this.#reader.stop();
    this.#letGo();
    this.#closing = true;
  }

  #close(): void {
    this.#stop();
    this.#done = true;
  }
}
