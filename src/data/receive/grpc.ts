import type { BodyMemory, Extent } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import { ACCEPTED_ENCODINGS } from "../../http2/headers.ts";
import type { UnaryCall, UnaryExchange, UnaryHandler } from "../../http2/port.ts";
import type { HeaderSource } from "../../plan/sender-headers.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { Permit } from "../admit/admission.ts";
import type { Reply } from "./request.ts";
import { answerWithinMs } from "./deadlines.ts";
import { type ListenerContext, openListenerContext, type ReceiveEnv } from "./listener-context.ts";
import { type Encoding, parseEncoding } from "../../otlp/encoding.ts";
import { HEALTH_CHECK_PATH, HealthExchange } from "./grpc-health.ts";
import { grpcRefusal, grpcReply } from "./grpc-reply.ts";
import { Reception, type ReceptionTimes } from "./reception.ts";

/**
 * The OTLP services and grpc.health.v1.Health/Check, as a handler of unary calls. `region` is that
 * of the listener.
 */
export function createGrpcHandler(region: string, env: ReceiveEnv): UnaryHandler {
  const context = openListenerContext(region, "grpc", env);
  return (call) => {
    const signal = SIGNAL_OF_PATH.get(call.path);
    if (signal !== undefined) return beginExport(context, call, signal);
    if (call.path === HEALTH_CHECK_PATH) return new HealthExchange(call, context);
    refuse(context, call, env.clock.nowMs(), {
      reason: "not_found",
      message: `there is no method ${call.path}; ${METHODS}`,
    });
    return undefined;
  };
}

const SIGNAL_OF_PATH: ReadonlyMap<string, Signal> = new Map(
  SIGNALS.map((signal) => [SIGNAL_FACTS[signal].grpcPath, signal]),
);
const METHODS = `methods: ${[...SIGNAL_OF_PATH.keys(), HEALTH_CHECK_PATH].join(", ")}`;

/**
 * The largest length that a gRPC prefix can tell: `length` is asked about every message, so that it
 * can say why not.
 */
const ANY_LENGTH = 0xffff_ffff;

function beginExport(context: ListenerContext, call: UnaryCall, signal: Signal): UnaryExchange | undefined {
  const receivedMs = context.env.clock.nowMs();
  const encoding = parseEncoding(call.encoding);
  if (encoding === undefined) {
    const message = `grpc-encoding "${call.encoding}" is not known; use one of ${ACCEPTED_ENCODINGS}`;
    return refuse(context, call, receivedMs, { reason: "unsupported_encoding", message });
  }
  const timeoutMs = timeoutOf(context, call);
  if (timeoutMs <= 0)
    return refuse(context, call, receivedMs, { reason: "deadline", message: "grpc-timeout left no time" });
  const times = { signal, receivedMs, deadlineMs: receivedMs + timeoutMs };
  const admitted = context.env.admission.open(times, call);
  if (admitted.kind === "refused") return refuse(context, call, receivedMs, admitted.refusal);
  return new ExportExchange(context, call, { times, permit: admitted, encoding });
}

function timeoutOf(context: ListenerContext, call: UnaryCall): number {
  const { requestTimeoutMs, maxTimeoutMs } = context.env.admission.limits;
  const { timeoutMs } = call;
  return Math.min(timeoutMs === undefined ? requestTimeoutMs : answerWithinMs(timeoutMs), maxTimeoutMs);
}

function refuse(context: ListenerContext, call: UnaryCall, receivedMs: number, refusal: Refusal): undefined {
  context.count({ ok: false, refusal }, receivedMs);
  call.reply(grpcRefusal(refusal));
}

interface AdmittedCall {
  readonly times: ReceptionTimes;
  readonly permit: Permit;
  readonly encoding: Encoding;
}

class ExportExchange extends Reception implements UnaryExchange {
  readonly #call: UnaryCall;
  readonly #encoding: Encoding;

  constructor(context: ListenerContext, call: UnaryCall, { times, permit, encoding }: AdmittedCall) {
    super(context, times, permit);
    this.#call = call;
    this.#encoding = encoding;
  }

  get format(): "protobuf" {
    return "protobuf";
  }

  get peer(): string {
    return this.#call.peer;
  }

  get headers(): HeaderSource {
    return this.#call;
  }

  get maxMessageBytes(): number {
    return ANY_LENGTH;
  }

  get memory(): BodyMemory {
    return this;
  }

  length(bytes: number): undefined {
    this.expect(bytes); // a refusal was replied to already
  }

  holds(bytes: number): undefined {
    this.hold(bytes);
  }

  message(_bytes: Uint8Array, compressed: boolean, body: Extent): void {
    this.take(body, compressed ? this.#encoding : "identity");
  }

  cancelled(): void {
    this.gone();
  }

  protected answer(reply: Reply): void {
    this.#call.reply(grpcReply(this.signal, reply));
  }
}
