import type { Clock } from "../../core/clock.ts";
import { Timers } from "../../core/timers.ts";
import { KnownHeads } from "../own/known-head.ts";
import { ClientConnection, type ClientConnectionOwner, type HttpClientShared } from "./client-connection.ts";
import { type ClientExchange, type OpenConnection, REPLY_LIMITS, type ReplyFault } from "./contract.ts";

interface ConnectionPoolOptions {
  readonly connect: OpenConnection;
  readonly clock: Clock;
  /** 0: none is kept. */
  readonly keptMs: number;
  readonly onFault: (fault: ReplyFault) => void;
}

const CLOSED = "the client is closed";
/** So long after one was stale, connections rest before they are used again. */
const RESTS_MS = 60_000;

/**
 * The connections to one peer: as many as there are requests under way, which whoever sends them
 * bounds, and those that wait for the next one. A request never waits for another.
 */
export class ConnectionPool implements ClientConnectionOwner {
  readonly #shared: HttpClientShared;
  readonly #all = new Set<ClientConnection>();
  /** Used last, used next: those that are not needed are closed by their time. */
  readonly #idle: ClientConnection[] = [];
  /** They are still connecting, and whoever they were opened for has given up. */
  readonly #spare: ClientConnection[] = [];
  /** Until then they rest. */
  #restsUntilMs = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  constructor({ connect, clock, keptMs, onFault }: ConnectionPoolOptions) {
    const timers = new Timers(clock);
    this.#shared = { connect, clock, timers, keptMs, onFault, limits: REPLY_LIMITS, heads: new KnownHeads() };
  }

  /** Sends a request, on a connection that is there or a new one. The result gives it up. */
  send(exchange: ClientExchange): () => void {
    if (this.#closing !== undefined) {
      queueMicrotask(() => exchange.failed({ reason: "closed", text: CLOSED }));
      return () => undefined;
    }
    const connection = this.#idle.pop() ?? this.#spare.pop();
    if (connection === undefined) return this.#open(exchange);
    connection.send(exchange);
    return () => this.#abandon(connection, exchange);
  }

  /** Ends all connections, and the requests that are under way as `closed`. */
  async close(): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    for (const connection of this.#all) connection.close(CLOSED);
    if (this.#all.size > 0) await this.#closing.promise;
  }

  /**
   * Where the peer closes connections without having said so, its end comes right behind its reply:
   * so it is waited for until all has been read that had come by then.
   */
  idle(connection: ClientConnection): void {
    remove(this.#spare, connection);
    if (this.#shared.clock.nowMs() >= this.#restsUntilMs) this.#idle.push(connection);
    else setImmediate(() => setImmediate(() => this.#rested(connection)));
  }

  /** What broke one has mostly broken all that were there. */
  stale(): void {
    this.#restsUntilMs = this.#shared.clock.nowMs() + RESTS_MS;
    for (const connection of this.#all) connection.retire();
  }

  left(connection: ClientConnection): void {
    remove(this.#idle, connection);
    remove(this.#spare, connection);
  }

  closed(connection: ClientConnection): void {
    this.#all.delete(connection);
    if (this.#all.size === 0) this.#closing?.resolve();
  }

  #rested(connection: ClientConnection): void {
    if (connection.isIdle) this.#idle.push(connection);
  }

  #open(exchange: ClientExchange): () => void {
    const connection = new ClientConnection(this.#shared, this, exchange);
    this.#all.add(connection);
    return () => this.#abandon(connection, exchange);
  }

  #abandon(connection: ClientConnection, exchange: ClientExchange): void {
    if (connection.abandon(exchange)) this.#spare.push(connection);
  }
}

function remove(list: ClientConnection[], connection: ClientConnection): void {
  const at = list.indexOf(connection);
  if (at >= 0) list.splice(at, 1);
}
