import type { Cancel, Clock } from "../../core/clock.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { ClientPool } from "../client-pool.ts";
import { dialer, peerUrl } from "../dial.ts";
import { PingPolicy } from "../liveness.ts";
import type { UnaryClient, UnaryClientOptions, UnaryRequest, UnaryResult } from "../port.ts";
import { CONNECTION_WINDOW_BYTES, MAX_FRAME_BYTES, STREAM_WINDOW_BYTES } from "../session-settings.ts";
import { Timers } from "../../core/timers.ts";
import { type CallOwner, ClientCall } from "./client/client-call.ts";
import { ClientLink, type ClientShared } from "./client/client-link.ts";
import { ReplyHeads } from "./client/reply-heads.ts";
import { RequestBlocks } from "./client/request-blocks.ts";
import { DEFAULT_LIMITS } from "./contract.ts";

/**
 * A unary gRPC client on our own HTTP/2. Nothing is connected before the first call. Disposing it
 * ends it in peace: calls that wait for a connection fail, those under way run to their end, each
 * bounded by its own timeout. Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not
 * http or https.
 */
export function openUnaryClient(options: UnaryClientOptions, env: TimeAndChance): UnaryClient {
  const url = peerUrl(options.url);
  const shared: ClientShared = {
    options,
    limits: {
      ...DEFAULT_LIMITS,
      initialWindowBytes: STREAM_WINDOW_BYTES,
      maxFrameBytes: MAX_FRAME_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
    },
    clock: env.clock,
    timers: new Timers(env.clock),
    dial: dialer(url, options.tls, options),
    blocks: new RequestBlocks(url, options.userAgent),
    heads: new ReplyHeads(),
    pings: new PingPolicy({ timeMs: options.keepaliveTimeMs, timeoutMs: options.keepaliveTimeoutMs }),
  };
  const { connections } = options;
  return new OwnUnaryClient(
    new ClientPool({ connections, open: (owner) => new ClientLink(shared, owner) }, env),
    shared,
  );
}

class OwnUnaryClient implements UnaryClient, CallOwner {
  readonly maxResponseBytes: number;
  readonly #pool: ClientPool<ClientLink, ClientCall>;
  readonly #timers: Timers;
  readonly #clock: Clock;

  constructor(pool: ClientPool<ClientLink, ClientCall>, { options, timers, clock }: ClientShared) {
    this.maxResponseBytes = options.maxResponseBytes;
    this.#pool = pool;
    this.#timers = timers;
    this.#clock = clock;
  }

  unary(request: UnaryRequest, done: (result: UnaryResult) => void): Cancel {
    const call = new ClientCall(request, this, done);
    this.#timers.set(call, this.#clock.nowMs() + request.timeoutMs);
    this.#pool.place(call, request.timeoutMs);
    return () => call.abandon("cancelled", "the call was cancelled");
  }

  settled(call: ClientCall): void {
    this.#timers.clear(call);
    this.#pool.forget(call);
  }

  cancelAll(): void {
    this.#pool.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
