import { status } from "@grpc/grpc-js";
import { sleep, type Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { CALL_DEADLINE_MS, type CallOptions, type EtcdSettings } from "../store.ts";
import { EtcdConnection } from "./connection.ts";
import { type EtcdAnswer, type EtcdFault, isSilent, isUncertain, isUnreachable, wantsNewToken } from "./fault.ts";
import type { EtcdMethod } from "./methods.ts";
import { Tokens } from "./tokens.ts";

/** The faults of one call, of each endpoint that it was tried on, in their order. */
export type RpcAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly EtcdFault[] };

export interface Ready {
  readonly connection: EtcdConnection;
  readonly token: string;
}

/** How many times a call may be refused for its token before that is its answer. */
const MAX_RENEWALS = 2;
/** Between two tries of the same endpoint. */
const PAUSE_MS = 200;
/** What is left of a call's time for finding out what came of it. */
const RESERVE_MS = 1_500;

/**
 * Calls over one channel: to another endpoint when one cannot be reached, once more where there is
 * but one, with a new token when the old one is refused. What may have been carried out is not
 * sent again.
 */
export class Rpc implements Disposable {
  readonly channel: Channel;
  readonly tokens: Tokens;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(settings: EtcdSettings, tokens: Tokens, world: TimeAndChance) {
    this.channel = new Channel(settings, world);
    this.tokens = tokens;
    this.#clock = world.clock;
    this.#random = world.random;
  }

  /** Throws the signal's reason alone. */
  call<T>(method: EtcdMethod<T>, request: Buffer, options: CallOptions): Promise<RpcAnswer<T>> {
    return this.#tries(method, options, (connection, token, limits) =>
      connection.unary(method, request, token, limits),
    );
  }

  /** As `call`, for one message there and one back over a stream. */
  exchange<T>(method: EtcdMethod<T>, request: Buffer, options: CallOptions): Promise<RpcAnswer<T>> {
    return this.#tries(method, options, (connection, token, limits) =>
      connection.exchange(method, request, token, limits),
    );
  }

  /** A connection to open a stream on, and the token for it. */
  ready(options: CallOptions): Promise<RpcAnswer<Ready>> {
    return this.#tries({}, options, (connection, token) => Promise.resolve({ ok: true, value: { connection, token } }));
  }

  [Symbol.dispose](): void {
    this.channel[Symbol.dispose]();
  }

  async #tries<T>(
    { isWrite }: Pick<EtcdMethod<T>, "isWrite">,
    options: CallOptions,
    send: Send<T>,
  ): Promise<RpcAnswer<T>> {
    const untilMs = this.#clock.nowMs() + (options.deadlineMs ?? CALL_DEADLINE_MS);
    const faults: EtcdFault[] = [];
    let tries = Math.max(2, this.channel.endpoints.length);
    let renewals = MAX_RENEWALS;
    for (;;) {
      options.signal.throwIfAborted();
      if (this.channel.isClosed) return { ok: false, faults: [closed(this.channel)] };
      const leftMs = untilMs - this.#clock.nowMs();
      if (leftMs <= 0) return { ok: false, faults };
      const connection = this.channel.current();
      const sentMs = this.#clock.nowMs();
      const answer = await this.#once(connection, this.#shareOf(leftMs, tries), options.signal, send);
      if (answer.ok) return answer;
      const { fault, token } = answer;
      faults.push(fault);
      if (wantsNewToken(fault) && this.tokens.hasUser && renewals-- > 0) {
        this.tokens.forget(token);
        continue;
      }
      if (!isUnreachable(fault)) return { ok: false, faults };
      this.channel.leave(connection, isSilent(fault) ? this.#clock.nowMs() - sentMs : undefined);
      if (--tries <= 0 || (isWrite === true && isUncertain(fault))) return { ok: false, faults };
      const isNext = this.channel.current().endpoint !== fault.endpoint;
      if (!isNext) await sleep(this.#clock, Math.min(leftMs, this.#random.next() * PAUSE_MS), options.signal);
    }
  }

  /**
   * With several endpoints a silent one takes half of the time, and leaves the rest for another.
   */
  #shareOf(leftMs: number, tries: number): number {
    if (this.channel.endpoints.length > 1 && tries > 1) return leftMs / 2;
    return leftMs - Math.min(RESERVE_MS, leftMs / 4);
  }

  async #once<T>(
    connection: EtcdConnection,
    deadlineMs: number,
    signal: AbortSignal,
    send: Send<T>,
  ): Promise<{ ok: true; value: T } | { ok: false; fault: EtcdFault; token: string }> {
    const untilMs = this.#clock.nowMs() + deadlineMs;
    const token = await this.tokens.get(connection, { clock: this.#clock, deadlineMs, signal });
    if (!token.ok) return { ok: false, fault: { ...token.fault, wasSent: false }, token: "" };
    const leftMs = untilMs - this.#clock.nowMs();
    const answer = await send(connection, token.value, { clock: this.#clock, deadlineMs: leftMs, signal });
    return answer.ok ? answer : { ...answer, token: token.value };
  }
}

type Send<T> = (
  connection: EtcdConnection,
  token: string,
  limits: { readonly clock: Clock; readonly deadlineMs: number; readonly signal: AbortSignal },
) => Promise<EtcdAnswer<T>>;

function closed({ endpoints }: Channel): EtcdFault {
  const code = status.UNAVAILABLE;
  return { code, details: "the store was closed", endpoint: endpoints[0] ?? "", wasSent: false };
}

/**
 * Calls that come to their ends soon are not to take a connection away from others that wait for
 * it: where all of them do so, none is ever made.
 */
const LEAST_QUIET_MS = 1_000;

/**
 * The endpoints for one kind of calls: one of them is used until it was of no use, then the next
 * one. Calls, watches and leases have a channel each, so that none waits behind another's data.
 */
class Channel implements Disposable {
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
