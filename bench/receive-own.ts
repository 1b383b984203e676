import { systemClock } from "../src/core/clock.ts";
import { systemRandom } from "../src/core/random.ts";
import { listenUnary } from "../src/http2/own/listen-unary.ts";
import type { UnaryCall, UnaryExchange, UnaryReply } from "../src/http2/port.ts";

/**
 * Our own HTTP/2 alone, as a process to be measured: a server that reads unary gRPC requests
 * through the port and answers each with an empty message. Argument: the port.
 */
const MAX_MESSAGE_BYTES = 67_108_864;
const TAKEN: UnaryReply = { status: 0, text: "", message: new Uint8Array(0) };

class Exchange implements UnaryExchange {
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly #call: UnaryCall;

  constructor(call: UnaryCall) {
    this.#call = call;
  }

  length(): undefined {
    return undefined;
  }

  message(): void {
    this.#call.reply(TAKEN);
  }

  cancelled(): void {}
}

await listenUnary(
  {
    host: "127.0.0.1",
    port: Number(process.argv[2]),
    handler: (call) => new Exchange(call),
    maxConcurrentStreams: 10_000,
    maxHeaderBytes: 16_384,
    maxConnections: 10_000,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 0,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 20_000,
  },
  { clock: systemClock, random: systemRandom },
);
process.on("SIGTERM", () => process.exit(0));
