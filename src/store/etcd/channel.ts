import type { Random } from "../../core/random.ts";
import type { EtcdSettings } from "../store.ts";
import { EtcdConnection } from "./connection.ts";

/**
 * The endpoints for one kind of calls: one of them is used until it was of no use, then the next
 * one. Calls, watches and leases have a channel each, so that none waits behind another's data.
 */
export class Channel implements Disposable {
  readonly endpoints: readonly string[];
  readonly #settings: EtcdSettings;
  readonly #connections: (EtcdConnection | undefined)[];
  #at: number;
  #isClosed = false;

  /** Begins anywhere, so that clients spread over the members. */
  constructor(settings: EtcdSettings, random: Random) {
    this.endpoints = settings.endpoints;
    this.#settings = settings;
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
    return (this.#connections[index] ??= new EtcdConnection(this.endpoints[index]!, this.#settings.tls));
  }

  /**
   * This connection was of no use: others are to use the next endpoint. One that kept quiet is
   * replaced as well, since a new one may get through where an old one hangs.
   */
  leave(connection: EtcdConnection, how: "failed" | "silent"): void {
    const index = this.#connections.indexOf(connection);
    if (index === -1) return;
    if (how === "silent") {
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
