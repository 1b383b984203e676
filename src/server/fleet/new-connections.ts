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
  readonly #unknown = new Map<string, NewConnection>();
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
    const connection: NewConnection = {
      cancel: clock.after(patienceMs, () => {
        this.#forget(peer, connection);
        onSilent();
        resetSocket(socket);
      }),
    };
    this.#open++;
    this.#unknown.set(peer, connection);
    socket.once("close", () => {
      this.#open--;
      this.#forget(peer, connection);
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

  #forget(peer: string, connection: NewConnection | undefined): void {
    connection?.cancel();
    if (this.#unknown.get(peer) === connection) this.#unknown.delete(peer);
  }
}

interface NewConnection {
  readonly cancel: Cancel;
}
