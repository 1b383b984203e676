import type { Clock } from "../../core/clock.ts";
import type { ListenerKind } from "../../core/listener-kinds.ts";
import type { Unconfirmed } from "./worker-slot.ts";

/**
 * Nothing is read of a connection that waits, so nothing tells that its client has gone; few have
 * the patience for more than this.
 */
const PATIENCE_MS = 30_000;

interface Waiting extends Unconfirmed {
  readonly untilMs: number;
}

/** Connections that were accepted while no worker was there to take them, the oldest first. */
export class WaitingConnections {
  readonly #clock: Clock;
  #list: Waiting[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#list.length;
  }

  add(listener: ListenerKind, socket: Unconfirmed["socket"]): void {
    this.#list.push({ listener, socket, untilMs: this.#clock.nowMs() + PATIENCE_MS });
  }

  count(listener: ListenerKind): number {
    return this.#list.filter((one) => one.listener === listener).length;
  }

  /** All of them: they wait no more. */
  take(): Unconfirmed[] {
    return this.#list.splice(0);
  }

  /** Those that have waited too long: they wait no more. */
  takeOld(): Unconfirmed[] {
    const nowMs = this.#clock.nowMs();
    const young = this.#list.findIndex(({ untilMs }) => untilMs > nowMs);
    return this.#list.splice(0, young === -1 ? this.#list.length : young);
  }
}
