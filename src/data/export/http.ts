import { type buildConnector, type Dispatcher, Pool } from "undici";
import type { Cancel, Clock } from "../../core/clock.ts";
import { Timers } from "../../core/timers.ts";
import { SIGNAL_FACTS } from "../../otlp/signal.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { encodeBody, type EncodedBody, PassedHeaders } from "./encode-body.ts";
import { type Beginning, HttpCall, type HttpConnections, watchKept } from "./http-call.ts";
import { connector } from "../connect/http-connect.ts";
import { REPLY_ENCODINGS } from "../../otlp/inflate-reply.ts";
import { passingOver } from "../connect/interim.ts";
import { JOIN_MEMORY, type JoinedBody } from "./join-memory.ts";
import { Quiet } from "./quiet.ts";
import type { SendOutcome } from "../send-outcome.ts";
import { HTTP_PROTOBUF, type HttpFormat } from "./http-format.ts";
import type { Batch, SendDone, TargetClient } from "./target-client.ts";

export interface HttpClientOptions {
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** A longer reply is not read (OTLP: 4 MiB). */
  readonly maxResponseBytes: number;
}

/**
 * OTLP/HTTP with bodies of one format over HTTP/1.1 connections that are kept open. Headers, path
 * and compression are those of the plan at each send; address and TLS those of the plan now.
 */
export function openHttpClient(
  current: () => TargetPlan,
  options: HttpClientOptions,
  env: { clock: Clock },
  format: HttpFormat = HTTP_PROTOBUF,
): TargetClient {
  const plan = current();
  const passed = new PassedHeaders();
  const quiet = new Quiet();
  const connect = connector(options.connectTimeoutMs, plan, env.clock);
  const connections = new Connections(new URL(plan.url).origin, connect);
  const { maxResponseBytes } = options;
  const owner = { maxResponseBytes, clock: env.clock, timers: new Timers(env.clock), closing: false };
  const heads = new HttpRequestHeads(options.userAgent, format.contentType);
  return {
    send(given, timeoutMs, done) {
      const written = format.write(given, current().maxRequestBytes);
      if (!written.ok) return tellLater(written.outcome, done);
      const { batch } = written;
      return encodeBody(batch, current(), done, (body) => {
        const target = current();
        const joined = joinedOf(body);
        const sent = { signal: batch.signal, encoding: body.encoding, bytes: joined?.bytes ?? body.pieces[0]! };
        const request = requestOf(heads, target, passed.of(target, batch), sent);
        const { newest } = connections;
        const more = { verdicts: target.statuses, connections: newest, joined };
        const call = new HttpCall(batch.signal, owner, quiet.of(target, batch.headers, done), more);
        return dispatch(newest.pool, request, call, timeoutMs);
      });
    },
    async [Symbol.asyncDispose]() {
      owner.closing = true;
      await connections.destroy();
    },
  };
}

interface HttpGeneration extends HttpConnections {
  readonly pool: Pool;
}

/**
 * The connections of one client. After one was found dead new ones are made, and those before go
 * with their last call.
 */
class Connections {
  newest: HttpGeneration;
  readonly #origin: string;
  readonly #connect: buildConnector.connector;
  readonly #leaving = new Set<Pool>();

  constructor(origin: string, connect: buildConnector.connector) {
    this.#origin = origin;
    this.#connect = connect;
    this.newest = this.#open();
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#leaving, this.newest.pool].map((pool) => pool.destroy()));
  }

  #open(): HttpGeneration {
    const beginning: Beginning = { begins: undefined };
    const pool = new Pool(this.#origin, {
      // As many as there are calls under way, which the target's window bounds; undici closes those
      // that are idle.
      connections: null,
      connect: passingOver(this.#connect, (socket) => watchKept(socket, beginning)),
      // One timer of ours bounds a whole attempt.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    return Object.assign(beginning, { pool, leave: () => this.#leave(pool) });
  }

  #leave(pool: Pool): void {
    if (this.newest.pool !== pool) return;
    this.newest = this.#open();
    this.#leaving.add(pool);
    const gone = (): void => void this.#leaving.delete(pool);
    pool.close().then(gone, gone); // it fails when all is destroyed meanwhile
  }
}

/** What is known before anything is sent, which is told all the same not from within. */
function tellLater(outcome: SendOutcome, done: SendDone): Cancel {
  queueMicrotask(() => done(outcome));
  return () => undefined;
}

function dispatch(pool: Pool, request: Dispatcher.DispatchOptions, call: HttpCall, timeoutMs: number): Cancel {
  call.limit(timeoutMs);
  pool.dispatch(request, call);
  return () => call.cancel();
}

/** What requests of one client have in common: made anew only when one differs from that before. */
class HttpRequestHeads {
  readonly #userAgent: string;
  readonly #contentType: string;
  #url = "";
  #origin = "";
  #base = "";
  #own: TargetPlan["headers"] | undefined;
  #encoding: EncodedBody["encoding"] = "identity";
  #headers: Readonly<Record<string, string>> = {};

  constructor(userAgent: string, contentType: string) {
    this.#userAgent = userAgent;
    this.#contentType = contentType;
  }

  /** Where requests of this URL go, without the path of a signal. */
  placeOf(url: string): { readonly origin: string; readonly base: string } {
    if (url !== this.#url) {
      const { origin, pathname } = new URL(url);
      this.#url = url;
      this.#origin = origin;
      this.#base = pathname.endsWith("/") ? pathname.slice(0, -1) : pathname;
    }
    return { origin: this.#origin, base: this.#base };
  }

  headersOf(own: TargetPlan["headers"], encoding: EncodedBody["encoding"]): Readonly<Record<string, string>> {
    if (own !== this.#own || encoding !== this.#encoding) {
      this.#own = own;
      this.#encoding = encoding;
      this.#headers = {
        ...own,
        "content-type": this.#contentType,
        "user-agent": this.#userAgent,
        "accept-encoding": REPLY_ENCODINGS,
        ...(encoding !== "identity" && { "content-encoding": encoding }),
      };
    }
    return this.#headers;
  }
}

interface SentBody extends Pick<EncodedBody, "encoding"> {
  readonly signal: Batch["signal"];
  readonly bytes: Uint8Array;
}

function requestOf(
  heads: HttpRequestHeads,
  target: TargetPlan,
  own: TargetPlan["headers"],
  { signal, encoding, bytes }: SentBody,
): Dispatcher.DispatchOptions {
  const { origin, base } = heads.placeOf(target.url);
  return {
    origin,
    path: `${base}${SIGNAL_FACTS[signal].httpPath}`,
    method: "POST",
    headers: heads.headersOf(own, encoding),
    body: bytes,
  };
}

/**
 * undici takes a body in one piece, may still write it when its answer has come, and does not tell
 * when it has written it. Undefined: it is one piece, and nobody's.
 */
function joinedOf({ pieces, owner, bytes }: EncodedBody): JoinedBody | undefined {
  return pieces.length === 1 && owner === undefined ? undefined : JOIN_MEMORY.join(pieces, bytes);
}
