import type { Socket } from "node:net";
import { viewBuffer } from "../../core/bytes.ts";
import { peerOf } from "../../core/sockets/peer-of.ts";
import type { ReadAccepted } from "../../core/sockets/read-socket.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { Timer, Timers } from "../../core/timers.ts";
import { type Flushable, turnEnd } from "../../core/turn-end.ts";
import type { ServedHttp } from "../listening.ts";
import { LINGER_MS } from "../port.ts";
import { type ConnectionOwner, type ConnectionShared, HttpConnection } from "./connection.ts";

/** What the connections of one server share, besides what the protocol needs. */
export interface HttpShared extends ConnectionShared, TimeAndChance {
  readonly timers: Timers;
  readonly read: ReadAccepted;
  readonly maxConnectionAgeMs: number;
  readonly isDraining: () => boolean;
  /** A request or the connection has ended. */
  readonly ended: (connection: ServedHttp, isClosed: boolean) => void;
}

const NEVER = Number.POSITIVE_INFINITY;

/** Moves bytes between a socket and a connection, and keeps its times. */
export class HttpSocket implements ServedHttp, ConnectionOwner, Timer, Flushable {
  heapIndex = -1;
  readonly peer: string;
  readonly #shared: HttpShared;
  readonly #socket: Socket;
  readonly #connection: HttpConnection;
  #state: "open" | "lingering" | "gone" = "open";
  #isQueued = false;
  #isReading = true;
  /** For when its timer is set: it comes too early rather than be set for each request. */
  #wakesMs = NEVER;

  constructor(accepted: Socket, shared: HttpShared) {
    const { clock, random, maxConnectionAgeMs } = shared;
    const nowMs = clock.nowMs();
    this.peer = peerOf(accepted);
    this.#shared = shared;
    const closesMs = nowMs + maxConnectionAgeMs * (0.9 + 0.2 * random.next()); // jitter: not all at once
    this.#connection = new HttpConnection(shared, this, { nowMs, closesMs });
    // Who ends has a reply, be it to half a request. With TLS from here on: within its handshake
    // it would not be noticed that the peer is gone.
    accepted.allowHalfOpen = true;
    const socket = shared.read(accepted, (bytes) => this.#receive(bytes));
    this.#socket = socket;
    socket.on("drain", () => this.changed());
    socket.on("end", () => this.#peerEnded());
    socket.on("error", () => socket.destroy()); // TLS tells of faults after its handshake, and leaves the socket open
    socket.once("close", () => this.#closed());
    this.#arm();
  }

  get open(): number {
    return this.#connection.open;
  }

  get isDraining(): boolean {
    return this.#shared.isDraining();
  }

  get isLeaving(): boolean {
    return this.#connection.isLeaving(this.#shared.clock.nowMs());
  }

  retire(): void {
    this.#connection.retire();
  }

  closeIdle(): void {
    this.#connection.closeIdle();
    this.changed();
  }

  /** What it has to do is done once at the end of this turn of the loop. */
  changed(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    turnEnd.flush(this);
  }

  flush(): void {
    this.#isQueued = false;
    if (this.#state !== "open") return;
    const nowMs = this.#shared.clock.nowMs();
    const before = this.#connection.open;
    this.#write(nowMs);
    const { open, done } = this.#connection;
    if (done) this.#linger();
    else this.#readOn(nowMs);
    if (open < before) this.#shared.ended(this, false);
  }

  fire(nowMs: number): void {
    this.#wakesMs = NEVER;
    if (this.#state === "lingering" || this.#connection.tick(nowMs)) {
      this.#socket.destroy();
      return;
    }
    this.flush();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#state !== "open") return;
    const buffer = Buffer.isBuffer(bytes) ? bytes : viewBuffer(bytes);
    this.#connection.receive(buffer, this.#shared.clock.nowMs());
    this.#pace();
    this.#arm();
  }

  /** What had to wait comes before what is still to be read. */
  #readOn(nowMs: number): void {
    this.#connection.readOn(nowMs);
    this.#pace();
    this.#arm();
  }

  #write(nowMs: number): void {
    const isBlocked = this.#socket.writableNeedDrain;
    if (!isBlocked) {
      const output = this.#connection.takeOutput(nowMs);
      if (output !== undefined) this.#socket.write(output);
    }
    this.#connection.setBlocked(this.#socket.writableNeedDrain, nowMs);
  }

  /** Reads, or leaves what comes to the system. */
  #pace(): void {
    const wants = this.#connection.wantsBytes;
    if (wants === this.#isReading || this.#state !== "open") return;
    this.#isReading = wants;
    if (wants) this.#socket.resume();
    else this.#socket.pause();
  }

  #peerEnded(): void {
    if (this.#state !== "open") return;
    this.#connection.ended(this.#shared.clock.nowMs());
  }

  /** Ends its side, and throws away what still comes until the peer ends, too. */
  #linger(): void {
    this.#state = "lingering";
    this.#socket.end();
    this.#socket.resume();
    this.#wakesMs = NEVER;
    this.#set(this.#shared.clock.nowMs() + LINGER_MS);
  }

  #closed(): void {
    this.#state = "gone";
    this.#shared.timers.clear(this);
    this.#connection.lost();
    this.#shared.ended(this, true);
  }

  #arm(): void {
    if (this.#state === "open") this.#set(this.#connection.dueMs);
  }

  #set(dueMs: number): void {
    if (dueMs >= this.#wakesMs) return;
    this.#wakesMs = dueMs;
    this.#shared.timers.set(this, dueMs);
  }
}
