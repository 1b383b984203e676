import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../core/clock.ts";
import { resetSocket } from "../../core/reset-socket.ts";
import { peerOf } from "../../core/sockets/peer-of.ts";
import type { UnaryHandler } from "../../http2/port.ts";

interface NewConnectionsOptions {
  readonly clock: Clock;
  /** Whoever has made no call by then that was taken is sent away. */
  readonly patienceMs: number;
  /** Told of each that was. */
  readonly onSilent: () => void;
}

/**
 * Connections from their first moment on, and which of them have shown that they are the fleet's.
 */
export class NewConnections {
  readonly #options: NewConnectionsOptions;
  /** By peer, with what ends the wait for its first call. */
  readonly #unknown = new Map<string, Cancel>();
  #open = 0;

  constructor(options: NewConnectionsOptions) {
    this.#options = options;
  }

  /** Open ones, those with a handshake under way among them. */
  get open(): number {
    return this.#open;
  }

  add(socket: Socket): void {
    const { clock, patienceMs, onSilent } = this.#options;
    const peer = peerOf(socket);
    const cancel: Cancel = clock.after(patienceMs, () => {
      this.#forget(peer, cancel);
      onSilent();
      resetSocket(socket);
    });
    this.#open++;
    this.#unknown.set(peer, cancel);
    socket.once("close", () => {
      this.#open--;
      this.#forget(peer, cancel);
    });
  }

  /** As the handler; a call that it takes shows who is there. */
  watch(handler: UnaryHandler): UnaryHandler {
    return (call) => {
      const exchange = handler(call);
      if (exchange !== undefined && this.#unknown.size > 0) this.#forget(call.peer, this.#unknown.get(call.peer));
      return exchange;
    };
  }

  #forget(peer: string, cancel: Cancel | undefined): void {
    cancel?.();
    if (this.#unknown.get(peer) === cancel) this.#unknown.delete(peer);
  }
}

/** Whether one more connection may begin: a bucket that fills evenly, and is full at first. */
export class ConnectionGate {
  readonly #clock: Clock;
  readonly #perSecond: number;
  #left: number;
  #atMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#left = perSecond;
    this.#atMs = clock.nowMs();
  }

  admit(): boolean {
    const nowMs = this.#clock.nowMs();
    this.#left = Math.min(this.#perSecond, this.#left + ((nowMs - this.#atMs) * this.#perSecond) / 1_000);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
