import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { backoffMs } from "./backoff.ts";

/**
 * One connection of a client. It is ready when the peer's SETTINGS have come, so that its limits
 * are known.
 */
export interface PooledLink {
  readonly state: "connecting" | "ready" | "leaving";
  /** False for a connection that never came about. */
  readonly wasReady: boolean;
  /** Calls whose streams are open. */
  readonly active: number;
  /** Whether one more call may be started. */
  readonly hasRoom: boolean;
  /** Ends its calls with `cancelled`. */
  cancelCalls(): void;
  /** Takes no more calls, and closes when those under way have ended. */
  leave(): void;
}

export interface PooledCall<Link> {
  /** Sends the call. `timeoutMs` is what is left for it. */
  start(link: Link, timeoutMs: number): void;
  /** Ends the call from this side. */
  abandon(reason: "connect" | "cancelled", text: string): void;
}

/**
 * What a link tells its pool: `ready` at most once, `released` when calls have ended, `stale`
 * before the calls of a link that is lost, `gone` exactly once.
 */
export interface LinkOwner<Link> {
  ready(): void;
  released(): void;
  /**
   * A connection without calls was dead when it was used again: so may others be that have none.
   */
  stale(): void;
  gone(link: Link, text: string): void;
}

interface PoolOptions<Link> {
  /** How many connections at most. */
  readonly connections: number;
  readonly open: (owner: LinkOwner<Link>) => Link;
}

/**
 * The connections of one client: opened when needed, one at a time, and the calls that wait for
 * one.
 */
export class ClientPool<Link extends PooledLink, Call extends PooledCall<Link>> implements LinkOwner<Link> {
  readonly #options: PoolOptions<Link>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #links = new Set<Link>();
  /** Calls without a connection, oldest first, with the time when each gives up. */
  readonly #waiting = new Map<Call, number>();
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #fault = "";
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(options: PoolOptions<Link>, env: TimeAndChance) {
    this.#options = options;
    this.#clock = env.clock;
    this.#random = env.random;
  }

  /** Starts the call on the least busy connection, or lets it wait for one, or abandons it. */
  place(call: Call, timeoutMs: number): void {
    if (this.#closing !== undefined) {
      call.abandon("connect", CLOSED);
      return;
    }
    const link = this.#leastBusy();
    if (link === undefined || link.active > 0) this.#openAnother();
    if (link !== undefined) call.start(link, timeoutMs);
    else if (this.#isHopeless()) call.abandon("connect", this.#fault);
    else this.#waiting.set(call, this.#clock.nowMs() + timeoutMs);
  }

  /** The call has ended: it waits no more. */
  forget(call: Call): void {
    if (this.#waiting.size > 0) this.#waiting.delete(call);
  }

  cancelAll(): void {
    for (const call of this.#waiting.keys()) call.abandon("cancelled", CLOSED);
    for (const link of this.#links) link.cancelCalls();
  }

  /**
   * Lets the calls under way end, and fails those that wait. Resolves when no connection is left.
   */
  async close(): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    for (const call of this.#waiting.keys()) call.abandon("connect", CLOSED);
    for (const link of this.#links) link.leave();
    if (this.#links.size > 0) await this.#closing.promise;
  }

  ready(): void {
    this.#failures = 0;
    this.#serveWaiting();
  }

  released(): void {
    if (this.#waiting.size > 0) this.#serveWaiting();
  }

  stale(): void {
    for (const link of this.#links) if (link.state === "ready" && link.active === 0) link.leave();
  }

  gone(link: Link, text: string): void {
    this.#links.delete(link);
    if (this.#closing !== undefined) {
      if (this.#links.size === 0) this.#closing.resolve();
      return;
    }
    if (!link.wasReady) {
      this.#fault = text;
      this.#retryAtMs = this.#clock.nowMs() + backoffMs(++this.#failures, this.#random);
    }
    this.#serveWaiting();
  }

  #serveWaiting(): void {
    if (this.#waiting.size > 0 && this.#leastBusy() === undefined) this.#openAnother();
    const hopeless = this.#isHopeless();
    for (const [call, untilMs] of this.#waiting) {
      const link = this.#leastBusy();
      if (link !== undefined) {
        this.#waiting.delete(call);
        call.start(link, untilMs - this.#clock.nowMs());
      } else if (hopeless) {
        call.abandon("connect", this.#fault);
      } else {
        return;
      }
    }
  }

  #leastBusy(): Link | undefined {
    let best: Link | undefined;
    for (const link of this.#links) {
      if (link.hasRoom && (best === undefined || link.active < best.active)) best = link;
    }
    return best;
  }

  /**
   * One at a time: the first one to be ready may do, and a peer that is down is knocked at by one.
   */
  #openAnother(): void {
    let usable = 0;
    for (const link of this.#links) {
      if (link.state === "connecting") return;
      if (link.state === "ready") usable++;
    }
    if (usable >= this.#options.connections || this.#clock.nowMs() < this.#retryAtMs) return;
    this.#links.add(this.#options.open(this));
  }

  /** No connection is there or on its way, and a new one may not be tried yet. */
  #isHopeless(): boolean {
    for (const link of this.#links) if (link.state !== "leaving") return false;
    return true;
  }
}

const CLOSED = "the client is closed";
