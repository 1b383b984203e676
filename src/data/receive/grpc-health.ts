import { OWN_BODIES } from "../../core/arena/extent.ts";
import { viewBuffer } from "../../core/bytes.ts";
import { ACCEPTED_ENCODINGS } from "../../http2/headers.ts";
import type { UnaryCall, UnaryExchange, UnaryReply } from "../../http2/port.ts";
import { GRPC } from "../../otlp/grpc-code.ts";
import { type InflateBudget, inflate } from "../../otlp/inflate.ts";
import { SIGNAL_FACTS, SIGNALS } from "../../otlp/signal.ts";
import { Cursor, fieldOf, MALFORMED, readLength, readTag, skipValue, WIRE, wireOf } from "../../otlp/wire.ts";
import type { Expiring } from "./deadlines.ts";
import type { ListenerContext } from "./listener-context.ts";
import { parseEncoding } from "../../otlp/encoding.ts";

/**
 * grpc.health.v1 (grpc/doc/health-checking.md). `Watch` is a stream; clients take UNIMPLEMENTED for
 * it as an answer.
 */
export const HEALTH_CHECK_PATH = "/grpc.health.v1.Health/Check";

const SERVING = 1;
const NOT_SERVING = 2;
const MAX_REQUEST_BYTES = 1_024;
const TIMEOUT_MS = 10_000;

/** The empty name asks for the server as a whole. */
const SERVICES: ReadonlySet<string> = new Set([
  "",
  ...SIGNALS.map((signal) => SIGNAL_FACTS[signal].grpcPath.split("/")[1] ?? ""),
]);

/**
 * One health check. It takes nothing from admission: who asks whether a node is well must hear it
 * under load, too.
 */
export class HealthExchange implements UnaryExchange, Expiring {
  heapIndex = -1;
  readonly maxMessageBytes = MAX_REQUEST_BYTES;
  readonly deadlineMs: number;
  readonly #call: UnaryCall;
  readonly #context: ListenerContext;

  constructor(call: UnaryCall, context: ListenerContext) {
    this.#call = call;
    this.#context = context;
    this.deadlineMs = context.env.clock.nowMs() + TIMEOUT_MS;
    context.deadlines.watch(this);
  }

  length(): undefined {
    return undefined;
  }

  /** It holds nothing that others could use. */
  isSlow(): boolean {
    return false;
  }

  evict(): void {
    this.fire();
  }

  message(bytes: Uint8Array, compressed: boolean): void {
    const encoding = compressed ? parseEncoding(this.#call.encoding) : "identity";
    if (encoding === "identity") {
      this.#answer(bytes);
      return;
    }
    if (encoding === undefined) {
      this.#reply({
        status: GRPC.UNIMPLEMENTED,
        text: `grpc-encoding "${this.#call.encoding}" is not known; use one of ${ACCEPTED_ENCODINGS}`,
      });
      return;
    }
    inflate(encoding, bytes, SMALL_BUDGET, (result) => {
      if (result.ok) this.#answer(result.body.bytes);
      else this.#reply({ status: GRPC.INVALID_ARGUMENT, text: result.message });
    });
  }

  cancelled(): void {
    this.#context.deadlines.forget(this);
  }

  /** Its deadline has passed. */
  fire(): void {
    this.#reply({ status: GRPC.DEADLINE_EXCEEDED, text: `no message within ${TIMEOUT_MS} ms` });
  }

  #answer(bytes: Uint8Array): void {
    const service = readServiceName(bytes);
    if (service === undefined) {
      this.#reply({ status: GRPC.INVALID_ARGUMENT, text: "not a grpc.health.v1.HealthCheckRequest" });
    } else if (SERVICES.has(service)) {
      const status = this.#context.env.dataPlane.readiness.ready ? SERVING : NOT_SERVING;
      this.#reply({ status: GRPC.OK, text: "", message: Uint8Array.of(0x08, status) }); // field 1, varint
    } else {
      this.#reply({ status: GRPC.NOT_FOUND, text: `there is no service "${service}"` });
    }
  }

  #reply(reply: UnaryReply): void {
    this.#context.deadlines.forget(this);
    this.#call.reply(reply);
  }
}

const SMALL_BUDGET: InflateBudget = {
  ...OWN_BODIES,
  maxBytes: MAX_REQUEST_BYTES,
  reserve: () => true,
  release: () => undefined,
};

/** HealthCheckRequest { string service = 1 }; undefined when it is malformed. */
function readServiceName(bytes: Uint8Array): string | undefined {
  const cursor = new Cursor(bytes, 0, bytes.length);
  let name = "";
  while (cursor.at < cursor.end) {
    const tag = readTag(cursor);
    if (tag === MALFORMED) return undefined;
    if (fieldOf(tag) !== 1 || wireOf(tag) !== WIRE.LEN) {
      if (!skipValue(cursor, tag)) return undefined;
      continue;
    }
    const length = readLength(cursor);
    if (length === MALFORMED) return undefined;
    name = viewBuffer(bytes, cursor.at, cursor.at + length).toString("utf8");
    cursor.at += length;
  }
  return name;
}
