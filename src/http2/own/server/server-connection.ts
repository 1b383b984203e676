import type { Socket } from "node:net";
import { IdMap } from "../../../core/id-map.ts";
import { STATUS } from "../../grpc-status.ts";
import { certificateNames } from "../../certificate-names.ts";
import { peerOf } from "../../../core/sockets/peer-of.ts";
import { HELLO_TIMEOUT_MS, type ServedConnection } from "../../listening.ts";
import { Liveness } from "../../liveness.ts";
import type { UnaryServerOptions } from "../../port.ts";
import type { Timer, Timers } from "../../../core/timers.ts";
import { openServerConnection } from "../connection/connection.ts";
import {
  type Connection,
  type ConnectionEvents,
  type ConnectionFault,
  type ConnectionLimits,
  H2_ERROR,
  type H2ErrorCode,
  type HeaderList,
} from "../contract.ts";
import { Driver, type DriverOwner } from "../driver.ts";
import type { ReadAccepted, TakeBytes } from "../../../core/sockets/read-socket.ts";
import type { TimeAndChance } from "../../../core/time-and-chance.ts";
import type { FixedReply } from "../frames/fixed-reply.ts";
import { HTTP1_ANSWER, looksLikeHttp1 } from "./http1.ts";
import { OwedCredit } from "./owed-credit.ts";
import { CONTINUE, METHOD_NOT_ALLOWED, UNSUPPORTED_MEDIA_TYPE } from "./reply-blocks.ts";
import type { RequestHeads } from "./request-head.ts";
import { type ReplySender, ServerCall } from "./server-call.ts";

/** What the connections of one server share. */
export interface ServerShared extends TimeAndChance {
  readonly options: UnaryServerOptions;
  readonly limits: ConnectionLimits;
  readonly timers: Timers;
  readonly heads: RequestHeads;
  readonly read: ReadAccepted;
  /** Called once for each connection. */
  readonly closed: (connection: ServedConnection) => void;
}

/**
 * How often a connection looks at what has a time limit within the protocol; all of them together.
 */
const TICK_MS = 1_000;
/** What a peer that is sent away gets to read why, before the socket is reset. */
const LINGER_MS = 1_000;
const NEVER = Number.POSITIVE_INFINITY;

/** One connection of the server: serves its calls, ends it when it is old, silent or asked to. */
export class ServerConnection implements ServedConnection, ConnectionEvents, DriverOwner, ReplySender, Timer {
  heapIndex = -1;
  readonly peer: string;
  readonly #accepted: Socket;
  readonly #shared: ServerShared;
  readonly #connection: Connection;
  readonly #driver: Driver;
  readonly #liveness: Liveness;
  readonly #calls = new IdMap<ServerCall>();
  #saidHello = false;
  #helloByMs: number;
  #retireAtMs: number;
  readonly #owed: OwedCredit | undefined;
  /**
   * A call has ended since the last check, and when a check last found one: asking the clock for
   * each call would cost.
   */
  #busy = false;
  #idleSinceMs: number;
  #closeByMs = NEVER;

  /** `plain`: without TLS, whose ALPN has told already that the peer speaks HTTP/2. */
  constructor(socket: Socket, plain: boolean, shared: ServerShared) {
    const { clock, random, options } = shared;
    const nowMs = clock.nowMs();
    this.#accepted = socket;
    this.#shared = shared;
    this.peer = peerOf(socket);
    this.#connection = openServerConnection(shared.limits, this, nowMs);
    const open = (take: TakeBytes): Socket => shared.read(socket, take);
    const onFirst = (bytes: Uint8Array): void => this.#onFirst(bytes);
    this.#driver = new Driver(this.#connection, this, { clock, open, ...(plain && { onFirst }) });
    const { pressure } = options;
    this.#owed = pressure && new OwedCredit(pressure, (owed) => this.#repay(owed));
    const { keepaliveTimeMs: timeMs, keepaliveTimeoutMs: timeoutMs, maxConnectionAgeMs: ageMs } = options;
    this.#liveness = new Liveness({ timeMs, timeoutMs }, nowMs, 0);
    this.#idleSinceMs = nowMs;
    this.#helloByMs = nowMs + HELLO_TIMEOUT_MS;
    // Jitter, so that clients that came together do not leave together.
    this.#retireAtMs = ageMs <= 0 ? NEVER : nowMs + ageMs * (0.9 + 0.2 * random.next());
    this.#wake(nowMs);
    this.#driver.touch();
  }

  get peerNames(): readonly string[] {
    return certificateNames(this.#accepted);
  }

  get maxHeaderListBytes(): number {
    return this.#connection.peerMaxHeaderListBytes;
  }

  retire(graceMs: number): void {
    const nowMs = this.#shared.clock.nowMs();
    this.#closeByMs = Math.min(this.#closeByMs, nowMs + graceMs);
    this.#connection.goaway(H2_ERROR.NO_ERROR, "");
    this.#driver.release();
    this.#driver.touch();
    this.#wake(nowMs);
  }

  /** With NO_ERROR a client would take a cut reply for an ended one. */
  destroy(): void {
    this.#connection.goaway(H2_ERROR.CANCEL, "the connection is given up");
    this.#driver.destroy("the connection is given up");
    this.#cancelCalls();
  }

  fire(nowMs: number): void {
    if (nowMs >= this.#closeByMs || (!this.#saidHello && nowMs >= this.#helloByMs)) {
      this.destroy();
      return;
    }
    if (nowMs >= this.#retireAtMs || this.#isIdle(nowMs)) {
      this.#retireAtMs = NEVER;
      this.retire(this.#shared.options.maxConnectionAgeGraceMs);
    }
    if (nowMs >= this.#liveness.dueMs) {
      const found = this.#liveness.check(nowMs, this.#driver.bytesRead, true);
      if (found === "lost") {
        this.destroy();
        return;
      }
      if (found === "ping") this.#connection.ping(0);
    }
    this.#connection.tick(nowMs);
    this.#driver.touch();
    this.#wake(nowMs);
  }

  headers(stream: number, headers: HeaderList, endStream: boolean): void {
    const known = this.#calls.get(stream);
    if (known !== undefined) {
      if (endStream) known.end(); // trailers of a request say nothing in gRPC
      return;
    }
    const head = this.#shared.heads.read(headers);
    if (head.httpStatus !== 200) {
      this.#connection.sendHeaders(stream, head.httpStatus === 405 ? METHOD_NOT_ALLOWED : UNSUPPORTED_MEDIA_TYPE, true);
      if (!endStream) this.#connection.dismiss(stream, true); // who is told an error of HTTP stops by itself
      return;
    }
    const call = new ServerCall(stream, head, this);
    this.#calls.set(stream, call);
    if (head.badTimeout === undefined) {
      const isWanted = call.begin(this.#shared.options.handler, endStream);
      if (call.awaitsContinue && isWanted) {
        call.awaitsContinue = false;
        this.#connection.sendHeaders(stream, CONTINUE, false);
      }
    } else call.refuse(STATUS.INTERNAL, `grpc-timeout "${head.badTimeout}" is malformed`, endStream);
  }

  data(stream: number, bytes: Uint8Array, endStream: boolean): void {
    const call = this.#calls.get(stream);
    call?.read(bytes);
    // What was read is in a buffer that the handler has admitted; what was refused is thrown away.
    // Either way the connection may bring more, and the call, too, if there is more of it to come,
    // as soon as there is room for it. While it is crowded, others on the same connection go on.
    if (this.#owed?.keep(stream, bytes.length) !== true) {
      const { pressure } = this.#shared.options;
      const withheld = !endStream && pressure?.crowded === true && call?.withhold(bytes.length) === true;
      this.#connection.credit(stream, bytes.length, withheld ? "connection" : "both");
    }
    if (endStream && call !== undefined) call.end();
  }

  reset(stream: number): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    this.#calls.delete(stream);
    call.cancel();
  }

  flushed(): void {}
  goaway(): void {}
  pong(): void {}

  settings(): void {
    this.#saidHello = true;
  }

  failed(_code: H2ErrorCode, reason: ConnectionFault): void {
    this.#lingerFor(LINGER_MS);
    this.#shared.options.onFault?.(reason, this.peer);
    this.#cancelCalls();
  }

  received(): void {}
  wrote(): void {}

  /** No client of gRPC ends its side and reads on: this one is gone, or goes. */
  peerEnded(): void {
    this.#cancelCalls();
    this.#driver.destroy("the peer closed the connection");
  }

  /**
   * A reset would take from the client what it has not read yet, the GOAWAY above all: it may leave
   * by itself.
   */
  done(): void {
    this.#driver.end();
    this.#lingerFor(LINGER_MS);
  }

  closed(): void {
    this.#shared.timers.clear(this);
    this.#owed?.cancel();
    this.#cancelCalls();
    this.#shared.closed(this);
  }

  success(call: ServerCall, head: Uint8Array, message: Uint8Array, trailers: Uint8Array): void {
    this.#connection.sendReply(call.stream, head, message, trailers);
    this.#replied(call);
  }

  known(call: ServerCall, reply: FixedReply): void {
    this.#connection.sendFixedReply(call.stream, reply);
    this.#replied(call);
  }

  failure(call: ServerCall, block: Uint8Array): void {
    this.#connection.sendHeaders(call.stream, block, true);
    this.#replied(call);
  }

  repay(call: ServerCall, bytes: number): void {
    this.#connection.credit(call.stream, bytes, "stream");
    this.#driver.touch();
  }

  /** What is left of its body is not wanted. */
  #replied(call: ServerCall): void {
    this.#calls.delete(call.stream);
    this.#busy = true;
    if (!call.bodyEnded) this.#connection.dismiss(call.stream, call.awaitsContinue);
    this.#driver.touch();
  }

  #onFirst(bytes: Uint8Array): void {
    if (!looksLikeHttp1(bytes)) return;
    this.#shared.options.onFault?.("bad_preface", this.peer);
    this.#driver.end(HTTP1_ANSWER);
    this.#lingerFor(LINGER_MS);
  }

  /** It has had no call for too long, and was not asked to go away yet. */
  #isIdle(nowMs: number): boolean {
    const { maxConnectionIdleMs = 0 } = this.#shared.options;
    if (this.#busy || this.#calls.size > 0) this.#idleSinceMs = nowMs;
    this.#busy = false;
    if (maxConnectionIdleMs <= 0 || this.#closeByMs < NEVER) return false;
    return nowMs - this.#idleSinceMs >= maxConnectionIdleMs;
  }

  #lingerFor(ms: number): void {
    const nowMs = this.#shared.clock.nowMs();
    this.#closeByMs = Math.min(this.#closeByMs, nowMs + ms);
    this.#wake(nowMs);
  }

  #cancelCalls(): void {
    for (const call of this.#calls.values()) call.cancel();
    this.#calls.clear();
  }

  #repay(owed: ReadonlyMap<number, number>): void {
    for (const [stream, bytes] of owed) this.#connection.credit(stream, bytes);
    this.#driver.touch();
  }

  /** Sets the timer for what is due next. */
  #wake(nowMs: number): void {
    const nextTickMs = (Math.floor(nowMs / TICK_MS) + 1) * TICK_MS;
    const helloByMs = this.#saidHello ? NEVER : this.#helloByMs;
    const dueMs = Math.min(nextTickMs, helloByMs, this.#retireAtMs, this.#closeByMs, this.#liveness.dueMs);
    this.#shared.timers.set(this, dueMs);
  }
}
