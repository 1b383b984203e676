import type { BytesOwner } from "../../../core/arena/extent.ts";
import type { Clock } from "../../../core/clock.ts";
import { IdMap } from "../../../core/id-map.ts";
import type { LinkOwner, PooledLink } from "../../client-pool.ts";
import type { Dial } from "../../dial.ts";
import { Liveness, type PingPolicy, wasSilent } from "../../liveness.ts";
import { messagePrefix } from "../../message-pieces.ts";
import type { UnaryClientOptions } from "../../port.ts";
import type { Timer, Timers } from "../../../core/timers.ts";
import { openClientConnection } from "../connection/connection.ts";
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
import { intoBuffer } from "../../../core/sockets/read-socket.ts";
import type { ClientCall } from "./client-call.ts";
import { HeldOwners } from "./held-owners.ts";
import type { ReplyHeads } from "./reply-heads.ts";
import { BadMetadata, type RequestBlocks } from "./request-blocks.ts";

/** What the connections of one client share. */
export interface ClientShared {
  readonly options: UnaryClientOptions;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly dial: Dial;
  readonly blocks: RequestBlocks;
  readonly heads: ReplyHeads;
  readonly pings: PingPolicy;
}

const TICK_MS = 1_000;
const NEVER = Number.POSITIVE_INFINITY;

/** One connection of the client. */
export class ClientLink implements PooledLink, ConnectionEvents, DriverOwner, Timer {
  heapIndex = -1;
  readonly #shared: ClientShared;
  readonly #owner: LinkOwner<ClientLink>;
  readonly #connection: Connection;
  readonly #driver: Driver;
  readonly #calls = new IdMap<ClientCall>();
  readonly #held = new HeldOwners();
  #state: "connecting" | "ready" | "leaving" = "connecting";
  #wasReady = false;
  #silent = false;
  /** It was not opened for the calls that come: those have had it. */
  #kept = false;
  #liveness: Liveness | undefined;
  #readyByMs: number;
  /** Why it ends, when that is known before the socket says so. */
  #text: string | undefined;

  constructor(shared: ClientShared, owner: LinkOwner<ClientLink>) {
    const { clock, options } = shared;
    const nowMs = clock.nowMs();
    this.#shared = shared;
    this.#owner = owner;
    this.#connection = openClientConnection(shared.limits, this, nowMs);
    this.#driver = new Driver(this.#connection, this, {
      clock,
      open: (take) => shared.dial(intoBuffer(take)),
    });
    this.#readyByMs = nowMs + options.connectTimeoutMs;
    this.#wake(nowMs);
    this.#driver.touch();
  }

  get state(): "connecting" | "ready" | "leaving" {
    return this.#state;
  }

  get wasReady(): boolean {
    return this.#wasReady;
  }

  get active(): number {
    return this.#calls.size;
  }

  get hasRoom(): boolean {
    return this.#state === "ready" && this.#connection.mayOpen;
  }

  /**
   * Sends a call; only while `hasRoom`. Throws BadMetadata. The pieces go down as they are, and the
   * connection copies small ones in among its frames: per call 4.1 µs for one of 3.7 KB, 10 for ten
   * and 66 for a hundred of them; joined first, as node:http2 needs it, 5.8, 18 and 160.
   */
  send(call: ClientCall, timeoutMs: number): void {
    const { request } = call;
    const { block, listBytes } = this.#shared.blocks.head(request, timeoutMs);
    const most = this.#connection.peerMaxHeaderListBytes;
    if (listBytes > most) {
      throw new BadMetadata(`the call's headers take ${listBytes} bytes, the peer takes ${most}`);
    }
    call.kept = this.#kept && this.#calls.size === 0;
    call.stream = this.#connection.open(block, false);
    this.#calls.set(call.stream, call);
    call.givenMs = timeoutMs;
    call.bytesBefore = this.#driver.bytesRead;
    const prefix = messagePrefix(request.messageBytes, request.encoding !== "identity");
    this.#connection.sendData(call.stream, [prefix], false);
    this.#connection.sendData(call.stream, request.pieces, true);
    this.#driver.touch();
  }

  /**
   * The call is settled. Nothing more is wanted or sent: after a whole exchange its stream is
   * closed already; else, also where the peer told a status and left it open, it is reset.
   */
  finish(call: ClientCall): void {
    if (!this.#calls.delete(call.stream)) return;
    this.#connection.resetStream(call.stream, H2_ERROR.CANCEL);
    this.#driver.touch();
    const { owner } = call.request;
    if (owner !== undefined) this.#holdUnwritten(owner, call.flushedAt);
    this.#closeWhenIdle();
    this.#owner.released();
  }

  #holdUnwritten(owner: BytesOwner, flushedAt: number): void {
    const until = Math.min(flushedAt, this.#connection.madeBytes);
    if (until > this.#driver.written) this.#held.hold(owner, until);
  }

  /**
   * A call is about to end because its time is up. Who was silent all that time gets no more calls.
   */
  timedOut(call: ClientCall): void {
    if (!wasSilent(call.bytesBefore, this.#driver.bytesRead, call.givenMs)) return;
    this.#state = "leaving";
    this.#silent = true;
  }

  leave(): void {
    this.#state = "leaving";
    this.#connection.goaway(H2_ERROR.NO_ERROR, "");
    this.#driver.touch();
    this.#closeWhenIdle();
  }

  cancelCalls(): void {
    for (const call of this.#calls.values()) call.abandon("cancelled", "the client is closed");
  }

  fire(nowMs: number): void {
    if (nowMs >= this.#readyByMs) {
      this.#giveUp(`no connection within ${this.#shared.options.connectTimeoutMs} ms`);
      return;
    }
    if (this.#liveness !== undefined && nowMs >= this.#liveness.dueMs) {
      // Without calls under way no PING: servers take those amiss (too_many_pings), and nobody
      // waits for an answer.
      const found = this.#liveness.check(nowMs, this.#driver.bytesRead, this.#calls.size > 0);
      if (found === "lost") {
        this.#giveUp("the peer does not answer a PING");
        return;
      }
      if (found === "ping") this.#connection.ping(0);
    }
    this.#connection.tick(nowMs);
    this.wrote(); // a socket tells of what it has written only when it was full
    this.#driver.touch();
    this.#wake(nowMs);
  }

  settings(): void {
    if (this.#state !== "connecting") return;
    this.#state = "ready";
    this.#wasReady = true;
    const { clock, pings } = this.#shared;
    const nowMs = clock.nowMs();
    this.#liveness = new Liveness(pings, nowMs, this.#driver.bytesRead);
    this.#readyByMs = NEVER;
    this.#wake(nowMs);
    this.#owner.ready();
    this.#kept = true;
  }

  headers(stream: number, headers: HeaderList, endStream: boolean): void {
    this.#calls.get(stream)?.headers(this.#shared.heads.read(headers), endStream);
  }

  data(stream: number, bytes: Uint8Array, endStream: boolean): void {
    this.#calls.get(stream)?.data(bytes, endStream);
    this.#connection.credit(stream, bytes.length);
  }

  reset(stream: number, code: H2ErrorCode, byPeer: boolean): void {
    this.#calls.get(stream)?.reset(code, byPeer);
  }

  flushed(stream: number): void {
    const call = this.#calls.get(stream);
    if (call !== undefined) call.flushedAt = this.#connection.takenBytes;
  }

  goaway(lastStream: number, code: H2ErrorCode, debug: string): void {
    this.#shared.pings.heed(debug);
    this.#state = "leaving";
    const text = `the peer sent GOAWAY with code ${code}`;
    this.#text = text;
    for (const call of this.#calls.values()) {
      if (call.stream > lastStream) this.#lose(call, text, true);
    }
    if (code === H2_ERROR.NO_ERROR) this.#closeWhenIdle();
    else this.#giveUp(text);
  }

  pong(): void {}

  failed(code: H2ErrorCode, reason: ConnectionFault): void {
    this.#shared.options.onFault?.(reason, new URL(this.#shared.options.url).host);
    this.#giveUp(`the peer broke the protocol of HTTP/2: ${reason} (code ${code})`);
  }

  received(): void {
    this.#owner.released();
  }

  wrote(): void {
    if (this.#held.size > 0) this.#held.written(this.#driver.written);
  }

  /** Without a peer that sends there can be no reply. */
  peerEnded(): void {
    this.#giveUp(this.#text ?? "the peer closed the connection");
  }

  done(): void {
    this.#driver.destroy(this.#text ?? "the connection was closed");
  }

  closed(text: string): void {
    this.#state = "leaving";
    this.#shared.timers.clear(this);
    this.#loseCalls(this.#text ?? text);
    this.#held.written(Infinity);
    this.#owner.gone(this, this.#text ?? text);
  }

  #giveUp(text: string): void {
    this.#state = "leaving";
    this.#text = text;
    this.#driver.destroy(text);
    this.#loseCalls(text);
  }

  #loseCalls(text: string): void {
    for (const call of this.#calls.values()) this.#lose(call, text, false);
    this.#calls.clear();
  }

  /** Of a call that the peer did not look at, the end of the connection is all that came. */
  #lose(call: ClientCall, text: string, unprocessed: boolean): void {
    const stale = call.kept && (unprocessed || call.bytesBefore === this.#driver.bytesRead);
    if (stale) this.#owner.stale();
    call.lost(stale ? "stale" : "reset", text, unprocessed);
  }

  /** Without calls nothing of worth can come. */
  #closeWhenIdle(): void {
    if (this.#state !== "leaving" || this.#calls.size > 0) return;
    if (this.#silent) {
      this.#giveUp("the peer was silent until a call timed out"); // it may never read a GOAWAY
      return;
    }
    this.#connection.goaway(H2_ERROR.NO_ERROR, "");
    this.#driver.touch();
  }

  #wake(nowMs: number): void {
    const nextTickMs = (Math.floor(nowMs / TICK_MS) + 1) * TICK_MS;
    this.#shared.timers.set(this, Math.min(nextTickMs, this.#readyByMs, this.#liveness?.dueMs ?? NEVER));
  }
}
