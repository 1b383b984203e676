import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { OWN_MEMORY } from "../../src/core/arena/extent.ts";
import { copyOwned } from "../../src/core/bytes.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import type { Reason } from "../../src/core/reason.ts";
import { seededRandom } from "../../src/core/random.ts";
import { type Admission, type AdmissionLimits, createAdmission } from "../../src/data/admit/admission.ts";
import type {
  HandledRequest,
  ReceivedRequest,
  ReplyTaker,
  RequestHandler,
} from "../../src/data/receive/request-handler.ts";
import { GRPC_DEFAULTS, type GrpcOptions } from "../../src/data/receive/grpc-listener.ts";
import { type Listeners, openListeners } from "../../src/data/receive/open-listeners.ts";
import { NO_LIMITS } from "../../src/otlp/limits.ts";
import { FULL_SUCCESS, type Reply } from "../../src/data/receive/request.ts";
import { HTTP_DEFAULTS, type HttpOptions } from "../../src/data/receive/http.ts";
import type { TlsServerOptions } from "../../src/core/sockets/tls-server-options.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { createMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { TEST_HTTP_TRANSPORT, TEST_TRANSPORT } from "../support/transport.ts";

export const REGION = "eu-1";

/** A request that the next stage has and did not answer yet. */
export interface Held {
  readonly request: ReceivedRequest;
  /** True once the sender was said to be gone. */
  cancelled: boolean;
  finish(reply: Reply): void;
}

export interface Options {
  readonly limits?: Partial<AdmissionLimits>;
  readonly http?: Partial<HttpOptions>;
  readonly grpc?: Partial<GrpcOptions>;
  readonly tls?: TlsServerOptions;
  readonly clock?: Clock;
  /** What the next stage answers at once; `hold`: what `nextHeld` gives is answered by the test. */
  readonly answer?: (request: ReceivedRequest) => Reply | "hold";
}

export const LIMITS: AdmissionLimits = {
  maxRequestBytes: 67_108_864,
  counts: NO_LIMITS,
  maxInFlightBytes: 268_435_456,
  maxConcurrentRequests: 1_000,
  requestTimeoutMs: 30_000,
  maxTimeoutMs: 60_000,
};

/** Both listeners over a next stage that answers by script. */
export interface Receiving extends AsyncDisposable {
  readonly carried: ReceivedRequest[];
  readonly metrics: Metrics;
  /** Of the log, as JSON. */
  readonly lines: readonly string[];
  readonly admission: Admission;
  readonly listeners: Listeners;
  readonly httpPort: number;
  readonly grpcPort: number;
  serving: boolean;
  /** Highest sum of bytes in flight that the next stage saw. */
  readonly peakBytes: number;
  /** The next request that the next stage holds, in the order in which they came. */
  nextHeld(): Promise<Held>;
  errors(reason: Reason): number;
  /** Resolves when no request is in flight any more. */
  settled(): Promise<void>;
}

/** When it is disposed, everything must have been given back. */
export async function openReceiving(options: Options = {}): Promise<Receiving> {
  const next = new NextStage(options.answer ?? (() => FULL_SUCCESS));
  const metrics = createMetrics();
  const clock = options.clock ?? systemClock;
  const lines: string[] = [];
  const log = createLog({ clock, write: (line) => lines.push(line), level: "info", format: "json", colour: false });
  const env = { clock, random: seededRandom(7), metrics, log, rssBytes: () => 0 };
  const admission = createAdmission({ ...LIMITS, ...options.limits }, env);
  const dataPlane = { readiness: { ready: true } };
  const handler: RequestHandler = {
    handle: (request, to) => next.handle(request, to, admission.inFlightBytes),
  };
  const place = {
    region: REGION,
    host: "127.0.0.1",
    port: 0,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  };
  const listeners = await openListeners(
    {
      otlp_grpc: { ...GRPC_DEFAULTS, transport: TEST_TRANSPORT, ...place, ...options.grpc },
      otlp_http: { ...HTTP_DEFAULTS, transport: TEST_HTTP_TRANSPORT, ...place, ...options.http },
    },
    { ...env, admission, handler, dataPlane },
  );
  const settled = async (): Promise<void> => {
    while (admission.inFlightRequests > 0) await turn();
  };
  return {
    get serving() {
      return dataPlane.readiness.ready;
    },
    set serving(value) {
      dataPlane.readiness.ready = value;
    },
    carried: next.carried,
    metrics,
    lines,
    admission,
    listeners,
    httpPort: listeners.byKind.get("otlp_http")?.port ?? 0,
    grpcPort: listeners.byKind.get("otlp_grpc")?.port ?? 0,
    get peakBytes() {
      return next.peakBytes;
    },
    nextHeld: () => next.held(),
    errors: (reason: Reason) => metrics.errors.with(REGION, reason).value,
    settled,
    async [Symbol.asyncDispose]() {
      next.finishAll();
      await listeners[Symbol.asyncDispose]();
      await settled();
      assert.equal(admission.inFlightBytes, 0, "bytes that nobody gave back");
      assert.equal(admission.arena.usedBytes, 0, "places that nobody gave back");
    },
  };
}

class NextStage {
  readonly carried: ReceivedRequest[] = [];
  peakBytes = 0;
  readonly #answer: (request: ReceivedRequest) => Reply | "hold";
  readonly #fresh: Held[] = [];
  readonly #open = new Set<Held>();
  readonly #waiting: ((held: Held) => void)[] = [];

  constructor(answer: (request: ReceivedRequest) => Reply | "hold") {
    this.#answer = answer;
  }

  handle(request: ReceivedRequest, to: ReplyTaker, inFlightBytes: number): HandledRequest {
    const bytes = copyOwned(request.bytes); // tests look at them when the request is long over
    this.carried.push({ ...request, bytes, owner: OWN_MEMORY });
    this.peakBytes = Math.max(this.peakBytes, inFlightBytes);
    const reply = this.#answer(request);
    if (reply !== "hold") {
      to.replied(reply);
      return { cancel: () => undefined };
    }
    const held: Held = {
      request: { ...request, bytes },
      cancelled: false,
      finish: (late) => {
        if (this.#open.delete(held)) to.replied(late);
      },
    };
    this.#open.add(held);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#fresh.push(held);
    else waiting(held);
    return { cancel: () => void (held.cancelled = true) };
  }

  held(): Promise<Held> {
    const fresh = this.#fresh.shift();
    return fresh === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(fresh);
  }

  finishAll(): void {
    for (const held of this.#open) held.finish(FULL_SUCCESS);
  }
}
