import type { Clock } from "../../core/clock.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import type { EtcdSettings } from "../store.ts";
import { EtcdConnection } from "./connection.ts";

/**
 * Calls that come to their ends soon are not to take a connection away from others that wait for
 * it: where all of them do so, none is ever made.
 */
const LEAST_QUIET_MS = 1_000;

/**
 * The endpoints for one kind of calls: one of them is used until it was of no use, then the next
 * one. Calls, watches and leases have a channel each, so that none waits behind another's data.
 */
export class Channel implements Disposable {
  readonly endpoints: readonly string[];
  readonly #settings: EtcdSettings;
  readonly #clock: Clock;
  readonly #connections: (EtcdConnection | undefined)[];
  #at: number;
  #isClosed = false;

  /** Begins anywhere, so that clients spread over the members. */
  constructor(settings: EtcdSettings, { clock, random }: TimeAndChance) {
    this.endpoints = settings.endpoints;
    this.#settings = settings;
    this.#clock = clock;
    this.#connections = settings.endpoints.map(() => undefined);
    this.#at = Math.floor(random.next() * settings.endpoints.length);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The connection to what is used now. */
  current(): EtcdConnection {
    return this.to(this.#at);
  }

  to(index: number): EtcdConnection {
    return (this.#connections[index] ??= new EtcdConnection(this.endpoints[index]!, this.#settings.tls, this.#clock));
  }

  /**
   * This connection was of no use: others are to use the next endpoint. Given how long it kept
   * quiet about a call, it is replaced as well where it kept quiet about all else, too: a new one
   * may get through where an old one hangs. One that is new is left the time to become of use.
   */
  leave(connection: EtcdConnection, silentMs?: number): void {
    const index = this.#connections.indexOf(connection);
    if (index === -1) return;
    if (silentMs !== undefined && connection.quietMs >= Math.max(silentMs, LEAST_QUIET_MS)) {
      this.#connections[index] = undefined;
      connection.retire();
    }
    if (index === this.#at) this.#at = (index + 1) % this.endpoints.length;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const connection of this.#connections) connection?.[Symbol.dispose]();
  }
}
