import type { Socket } from "node:net";
import type { Cancel, Clock } from "../../core/clock.ts";
import { resetSocket } from "../../core/reset-socket.ts";
import { peerOf } from "../../http2/listening.ts";
import type { UnaryHandler } from "../../http2/port.ts";

export interface ArrivalsOptions {
  readonly clock: Clock;
  /** Whoever has made no call by then that was taken is sent away. */
  readonly patienceMs: number;
  /** Told of each that was. */
  readonly onSilent: () => void;
}

/** Connections from their first moment on, and which of them have shown that they are the fleet's. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #unknown = new Map<string, Arrival>();
  #open = 0;

  constructor(options: ArrivalsOptions) {
    this.#options = options;
  }

  /** Open ones, those with a handshake under way among them. */
  get open(): number {
    return this.#open;
  }

  add(socket: Socket): void {
    const { clock, patienceMs, onSilent } = this.#options;
    const peer = peerOf(socket);
    const arrival: Arrival = {
      cancel: clock.after(patienceMs, () => {
        this.#forget(peer, arrival);
        onSilent();
        resetSocket(socket);
      }),
    };
    this.#open++;
    this.#unknown.set(peer, arrival);
    socket.once("close", () => {
      this.#open--;
      this.#forget(peer, arrival);
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

  #forget(peer: string, arrival: Arrival | undefined): void {
    arrival?.cancel();
    if (this.#unknown.get(peer) === arrival) this.#unknown.delete(peer);
  }
}

interface Arrival {
  readonly cancel: Cancel;
}
