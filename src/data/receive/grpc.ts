import type { BodyMemory, WaitingReader, Extent } from "../../core/arena/extent.ts";
import type { Refusal } from "../../core/reason.ts";
import { ACCEPTED_ENCODINGS } from "../../http2/headers.ts";
import type { UnaryCall, UnaryExchange, UnaryHandler } from "../../http2/port.ts";
import { SIGNAL_FACTS, SIGNALS, type Signal } from "../../otlp/signal.ts";
import type { Permit } from "../admit/admission.ts";
import type { Reply, RequestHead } from "./request.ts";
import { answerWithinMs } from "./deadlines.ts";
import { type ListenerContext, openListenerContext, type ReceiveEnv } from "./listener-context.ts";
import { type Encoding, parseEncoding } from "../../otlp/encoding.ts";
import { HEALTH_CHECK_PATH, HealthExchange } from "./grpc-health.ts";
import { grpcRefusal, grpcReply } from "./grpc-reply.ts";
import { type Answerer, Reception } from "./reception.ts";

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
  const { region, method } = context;
  const deadlineMs = receivedMs + timeoutMs;
  const head: RequestHead = { signal, method, region, peer: call.peer, headers: call, receivedMs, deadlineMs };
  const admitted = context.env.admission.open(head);
  if (admitted.kind === "refused") return refuse(context, call, receivedMs, admitted.refusal);
  return new ExportExchange(context, call, head, admitted, encoding);
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

class ExportExchange implements UnaryExchange, Answerer {
  readonly maxMessageBytes = ANY_LENGTH;
  readonly #call: UnaryCall;
  readonly #encoding: Encoding;
  readonly #reception: Reception;

  constructor(context: ListenerContext, call: UnaryCall, head: RequestHead, permit: Permit, encoding: Encoding) {
    this.#call = call;
    this.#encoding = encoding;
    this.#reception = new Reception(context, head, permit, "protobuf", this);
  }

  length(bytes: number): undefined {
    this.#reception.expect(bytes); // a refusal was replied to already
  }

  holds(bytes: number): undefined {
    this.#reception.hold(bytes);
  }

  holdBack(reader: WaitingReader): boolean {
    return this.#reception.holdBack(reader);
  }

  get memory(): BodyMemory {
    return this.#reception;
  }

  message(_bytes: Uint8Array, compressed: boolean, body: Extent): void {
    this.#reception.take(body, compressed ? this.#encoding : "identity");
  }

  cancelled(): void {
    this.#reception.gone();
  }

  answer(reply: Reply): void {
    this.#call.reply(grpcReply(this.#reception.head.signal, reply));
  }
}
