import { Pool } from "undici";
import type { Clock } from "../../core/clock.ts";
import { RouterError } from "../../core/errors.ts";
import { expectedName } from "../../core/expected-name.ts";
import type { ConsulSettings } from "../store.ts";
import type { CallTime } from "./call-time.ts";
import { connectionFault, replyFault, SENSELESS } from "./consul-faults.ts";
import { type ConsulReply, isTransient, isUntouched, readReply, textOf } from "./consul-reply.ts";
import { originsOf } from "./consul-settings.ts";
import { exchange } from "./exchange.ts";

export interface ConsulRequest {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly body?: string | Uint8Array;
}

type ConsulAnswer =
  | { readonly kind: "reply"; readonly reply: ConsulReply }
  | { readonly kind: "failed"; readonly sent: boolean; readonly fault: RouterError };

/** More of one reply is not read: ten thousand keys have two or three MiB. */
const MAX_REPLY_BYTES = 64 * 1_024 * 1_024;
const CONNECT_MS = 5_000;
/** Of the time that is left a write may take so much: the rest is for finding out about it. */
const WRITE_SHARE = 2 / 3;

/**
 * Consul's HTTP API over the endpoints of the settings: one is used for as long as it answers, then
 * the next. All connections to one of them together are at most `connections`; a Consul agent takes
 * 200 of one address.
 */
export class ConsulHttp implements AsyncDisposable {
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  /**
   * For each endpoint those connections that are used, and then those that end with their last
   * call.
   */
  readonly #pools: Pool[];
  readonly #leaving = new Set<Pool>();
  readonly #open: (origin: string) => Pool;
  readonly #headers: Readonly<Record<string, string>>;
  /**
   * A server, or something before it, may send back what it was sent: no token is in what is left.
   */
  readonly hide: (error: RouterError) => RouterError;
  #current = 0;

  /** Throws `STORE_REFUSED` for unusable settings. */
  constructor(settings: ConsulSettings, connections: number, clock: Clock) {
    this.#headers = { ...(settings.token !== undefined && { "x-consul-token": settings.token }) };
    this.endpoints = originsOf(settings);
    this.clock = clock;
    this.#open = (origin) => openPool(origin, settings, connections);
    this.#pools = this.endpoints.map(this.#open);
    this.hide = hiding(settings.token);
  }

  /**
   * Asks one endpoint after the other, each at most once, one alone twice. Throws `RouterError`.
   */
  async read(request: ConsulRequest, time: CallTime): Promise<ConsulReply> {
    const tries = Math.max(2, this.#pools.length);
    let fault = tooLate(time);
    for (let done = 0; done < tries && time.leftMs > 0; done++) {
      const at = this.#current;
      const asked = await this.#ask(at, request, time.leftMs / (tries - done), time.signal);
      if (asked.kind === "reply" && !isElsewhere(asked.reply)) return asked.reply;
      this.#moveOn(at);
      fault = faultIn(asked);
    }
    throw this.hide(fault);
  }

  /**
   * Sends it again only when nothing of it can have been done. Undefined: nobody knows whether it
   * was. Leaves time to find out.
   */
  async write(request: ConsulRequest, time: CallTime): Promise<ConsulReply | undefined> {
    const tries = Math.max(2, this.#pools.length);
    let fault = tooLate(time);
    for (let done = 0; done < tries && time.leftMs > 0; done++) {
      const at = this.#current;
      const asked = await this.#ask(at, request, time.leftMs * WRITE_SHARE, time.signal);
      if (asked.kind === "reply" && !isElsewhere(asked.reply)) return asked.reply;
      this.#moveOn(at);
      const untouched = asked.kind === "reply" ? isUntouched(asked.reply) : !asked.sent;
      if (!untouched) return undefined;
      fault = faultIn(asked);
    }
    throw this.hide(fault);
  }

  /** Asks once; when that fails the next one asks elsewhere. Throws `RouterError`. */
  async once(request: ConsulRequest, timeoutMs: number, signal: AbortSignal): Promise<ConsulReply> {
    const at = this.#current;
    const asked = await this.#ask(at, request, timeoutMs, signal);
    if (asked.kind === "reply" && !isElsewhere(asked.reply)) return asked.reply;
    this.#moveOn(at);
    throw this.hide(faultIn(asked));
  }

  /** What one endpoint of them says, or why it does not. */
  async askAt(at: number, request: ConsulRequest, timeoutMs: number, signal: AbortSignal): Promise<ConsulReply> {
    const asked = await this.#ask(at, request, timeoutMs, signal);
    if (asked.kind === "reply") return asked.reply;
    throw this.hide(asked.fault);
  }

  /** Of an answer that is no success. */
  faultOf(reply: ConsulReply): RouterError {
    return this.hide(replyFault(reply));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools, ...this.#leaving].map((pool) => pool.destroy()));
  }

  async #ask(at: number, request: ConsulRequest, timeoutMs: number, signal: AbortSignal): Promise<ConsulAnswer> {
    const endpoint = this.endpoints[at]!;
    const pool = this.#pools[at]!;
    const exchanged = await exchange(pool, { ...request, headers: this.#headers, timeoutMs, signal }, this.clock);
    if (exchanged.kind === "failed") {
      if (exchanged.sent) this.#leave(at, pool);
      return { kind: "failed", sent: exchanged.sent, fault: connectionFault(endpoint, exchanged.cause) };
    }
    const { status, headers, body } = exchanged;
    return { kind: "reply", reply: readReply(endpoint, status, headers, body) };
  }

  /** One of its connections is dead: so may the others be, which nobody has used since. */
  #leave(at: number, pool: Pool): void {
    if (this.#pools[at] !== pool) return;
    this.#pools[at] = this.#open(this.endpoints[at]!);
    this.#leaving.add(pool);
    const gone = (): void => void this.#leaving.delete(pool);
    pool.close().then(gone, gone); // it fails when all is destroyed meanwhile
  }

  /** Of many calls that fail there at once the first one has moved on for all. */
  #moveOn(from: number): void {
    if (this.#current === from) this.#current = (from + 1) % this.#pools.length;
  }
}

function faultIn(asked: ConsulAnswer): RouterError {
  return asked.kind === "reply" ? replyFault(asked.reply) : asked.fault;
}

/** Whether another server, or later the same, may do it. */
function isElsewhere(reply: ConsulReply): boolean {
  return isTransient(reply) && !SENSELESS.test(textOf(reply));
}

function openPool(origin: string, { tls }: ConsulSettings, connections: number): Pool {
  return new Pool(origin, {
    connections,
    allowH2: false,
    // Timers of ours bound each request.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MAX_REPLY_BYTES,
    connect: {
      timeout: CONNECT_MS,
      ...(tls?.ca !== undefined && { ca: tls.ca }),
      ...(tls?.cert !== undefined && { cert: tls.cert }),
      ...(tls?.key !== undefined && { key: tls.key }),
      ...(tls?.serverName !== undefined && expectedName(tls.serverName)),
    },
  });
}

function tooLate({ deadlineMs }: CallTime): RouterError {
  return new RouterError("STORE_UNREACHABLE", `consul: not done within ${deadlineMs} ms`, {
    hint: "signalbox doctor says whether the store answers, and how soon",
  });
}

function hiding(token: string | undefined): (error: RouterError) => RouterError {
  if (token === undefined) return (error) => error;
  return (error) => {
    if (!error.message.includes(token)) return error;
    const details = error.hint === undefined ? {} : { hint: error.hint };
    return new RouterError(error.code, error.message.replaceAll(token, "[redacted]"), details);
  };
}
