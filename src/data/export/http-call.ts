import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";
import { joinOwned } from "../../core/bytes.ts";
import type { Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { Timer, Timers } from "../../core/timers.ts";
import type { HeaderBlock } from "../../http2/headers.ts";
import { encodingOf, firstOf } from "../../http2/repeated.ts";
import { inflateReply } from "../../otlp/inflate-reply.ts";
import type { Signal } from "../../otlp/signal.ts";
import type { StatusVerdicts } from "../../plan/status-verdicts.ts";
import type { HeadHolder } from "../connect/interim.ts";
import { REPORTED_LOAD_HEADER } from "../load/reported-load.ts";
import type { RetryReason, SendOutcome } from "../send-outcome.ts";
import type { Dispatcher } from "undici";
import { accepted, isSuccess } from "./classify.ts";
import { outcomeOfHttp, readReplyHead } from "./http-answer.ts";
import type { JoinedBody } from "./join-memory.ts";
import type { SendDone } from "./target-client.ts";

/** What the calls of one client share. */
interface HttpCallOwner {
  readonly maxResponseBytes: number;
  readonly clock: Clock;
  /** Of the timeouts of all of them. */
  readonly timers: Timers;
  /** The client ends, and with it the calls that are under way. */
  readonly closing: boolean;
}

/** The connections that a call may be on. */
export interface HttpConnections extends Beginning {
  /** One of them was found dead when it was used again: so may the others be. */
  leave(): void;
}

interface HttpCallMore {
  /** Its body, to be given back once its connection has written it. */
  readonly joined?: JoinedBody | undefined;
  readonly verdicts?: StatusVerdicts | undefined;
  readonly connections?: HttpConnections;
}

/**
 * One request as undici's handler: bounds the reply and the time, and tells the outcome once. Its
 * timer is its timeout.
 */
export class HttpCall implements Dispatcher.DispatchHandler, Timer {
  heapIndex = -1;
  readonly #signal: Signal;
  readonly #connections: HttpConnections | undefined;
  readonly #joined: JoinedBody | undefined;
  readonly #owner: HttpCallOwner;
  readonly #done: SendDone;
  readonly #verdicts: StatusVerdicts | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #ended = false;
  #timeoutMs = 0;
  #socket: CountedSocket | undefined;
  #readsBefore = 0;
  #status = 0;
  #headers: HeaderBlock = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(signal: Signal, owner: HttpCallOwner, done: SendDone, more: HttpCallMore = {}) {
    this.#signal = signal;
    this.#connections = more.connections;
    this.#joined = more.joined;
    this.#owner = owner;
    this.#done = done;
    this.#verdicts = more.verdicts;
  }

  limit(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    this.#owner.timers.set(this, this.#owner.clock.nowMs() + timeoutMs);
  }

  fire(): void {
    this.#break("timeout", `no answer within ${this.#timeoutMs} ms`);
  }

  cancel(): void {
    this.#break("cancelled", "the call was cancelled");
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) controller.abort(new Error("ended before it began"));
    this.#controller = controller;
    if (this.#connections !== undefined) this.#connections.begins = this;
  }

  beganOn(socket: CountedSocket): void {
    this.#socket = socket;
    this.#readsBefore = socket.reads;
    socket.head = undefined;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return; // interim: the answer is still to come
    if (this.#socket !== undefined) this.#socket.head = undefined;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= this.#owner.maxResponseBytes) {
      this.#chunks.push(chunk);
      return;
    }
    this.#end(this.#overlong());
    controller.abort(new Error("the reply is too long"));
  }

  onResponseEnd(): void {
    if (this.#ended) return;
    const body = joinOwned(this.#chunks, this.#bytes);
    const encoding = encodingOf(this.#headers, "content-encoding");
    if (encoding === "identity" || body.length === 0) {
      this.#end(this.#outcome(body));
      return;
    }
    // Its end is known already, and needs no more time than this process takes.
    this.#owner.timers.clear(this);
    inflateReply(encoding, body, this.#owner.maxResponseBytes, (inflated) => this.#end(this.#outcome(inflated)));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    // What was not begun never left: there was no connection to be had.
    const begun = this.#controller !== undefined;
    if (this.#owner.closing) this.#breakOff("cancelled", "the client is closed");
    else if (this.#isStale()) this.#lostStale(reasonOf(error.cause ?? error));
    else this.#breakOff(begun ? "reset" : "connect", reasonOf(error.cause ?? error));
  }

  /**
   * On its connection an answer had come before, and nothing since: it was dead, or closed just
   * then.
   */
  #isStale(): boolean {
    const reads = this.#socket?.reads ?? 0;
    return reads > 0 && reads === this.#readsBefore && !this.#ended;
  }

  #lostStale(message: string): void {
    this.#connections?.leave();
    this.#breakOff("stale", message);
  }

  #break(reason: RetryReason, message: string): void {
    this.#breakOff(reason, message);
    this.#controller?.abort(new Error(message));
  }

  /** Without an answer, or in the middle of one whose status is known, and then holds. */
  #breakOff(reason: RetryReason, message: string): void {
    if (this.#status === 0) this.#readHead();
    if (this.#status > 0) this.#end(this.#outcome(undefined));
    else this.#end(retry(reason, message, this.#controller === undefined));
  }

  /** Of a head that came, and that undici could not read. */
  #readHead(): void {
    const bytes = this.#socket?.head;
    const head = bytes === undefined || this.#ended ? undefined : readReplyHead(bytes);
    if (head === undefined) return;
    this.#status = head.status;
    this.#headers = head.headers;
  }

  #end(outcome: SendOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    // Who never began to write it may do so yet.
    if (this.#socket?.hasWritten() === true) this.#joined?.giveBack();
    this.#owner.timers.clear(this);
    this.#chunks = [];
    // Never from within send or cancel: undici may fail a request at once.
    const report = firstOf(this.#headers, REPORTED_LOAD_HEADER);
    queueMicrotask(() => this.#done(outcome, report));
  }

  /**
   * OTLP: a reply above the limit is never a reason to send again. The status tells whether the
   * target took it.
   */
  #overlong(): SendOutcome {
    if (isSuccess(this.#status)) return accepted({ ok: false });
    const code = `HTTP ${this.#status}`;
    return {
      kind: "rejected",
      code,
      message: `${code}: its body is above ${this.#owner.maxResponseBytes} bytes`,
      badData: false,
    };
  }

  #outcome(body: Uint8Array | undefined): SendOutcome {
    const answer = { signal: this.#signal, status: this.#status, headers: this.#headers, body };
    return outcomeOfHttp(answer, this.#owner.clock.wallMs(), this.#verdicts);
  }
}

function retry(reason: RetryReason, message: string, unprocessed: boolean): SendOutcome {
  return { kind: "retry", reason, message, unprocessed };
}

/**
 * One connection: how often something came on it, and the head that came last, until it is known
 * what it says.
 */
interface CountedSocket extends HeadHolder {
  reads: number;
  /** The system, or TLS, has all that was written to it. */
  hasWritten(): boolean;
}

/**
 * Who begins a request: the connection that is written to next is the one that undici has chosen
 * for it.
 */
export interface Beginning {
  begins: { beganOn(socket: CountedSocket): void } | undefined;
}

/**
 * Tells requests which connection they are on, for undici does not say: it writes a request in the
 * turn in which it says that it begins, and has one at a time on a connection.
 */
export function watchKept(socket: Socket, beginning: Beginning): CountedSocket {
  const hasWritten = (): boolean => socket.writableLength === 0;
  const kept: CountedSocket = { reads: 0, head: undefined, hasWritten };
  const read = socket.read.bind(socket);
  const write = socket.write.bind(socket);
  Reflect.set(socket, "read", (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (chunk !== null) kept.reads++;
    return chunk;
  });
  Reflect.set(socket, "write", (...args: unknown[]): boolean => {
    const { begins } = beginning;
    if (begins !== undefined) {
      beginning.begins = undefined;
      begins.beganOn(kept);
    }
    return Reflect.apply(write, undefined, args);
  });
  return kept;
}
