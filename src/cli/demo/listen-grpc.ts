import type { Clock } from "../../core/clock.ts";
import { DEFAULT_GRPC_TRANSPORT } from "../../core/grpc-transport.ts";
import type { Random } from "../../core/random.ts";
import type { UnaryHandler, UnaryReply, UnaryServer } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import { GRPC } from "../../otlp/grpc-code.ts";
import { signalOfGrpcPath } from "../../otlp/signal.ts";
import type { Arrivals } from "./arrivals.ts";

const MAX_MESSAGE_BYTES = 64 * 1_048_576;

/** Full success: an empty ExportResponse. */
const SUCCESS: UnaryReply = { status: GRPC.OK, text: "", message: new Uint8Array(0) };
const MALFORMED: UnaryReply = { status: GRPC.INVALID_ARGUMENT, text: "not an Export request" };
const NO_COMPRESSION: UnaryReply = { status: GRPC.UNIMPLEMENTED, text: "the demo's targets take no compression" };

/** An OTLP/gRPC server. What it answers with success has been counted. */
export function listenGrpc(
  address: { readonly host: string; readonly port: number },
  arrivals: Arrivals,
  env: { readonly clock: Clock; readonly random: Random },
): Promise<UnaryServer> {
  const options = {
    ...address,
    handler: handlerOf(arrivals),
    maxConcurrentStreams: 256,
    maxHeaderBytes: 16_384,
    maxConnections: 100,
    maxConnectionAgeMs: 0,
    maxConnectionAgeGraceMs: 0,
    keepaliveTimeMs: 0,
    keepaliveTimeoutMs: 20_000,
  };
  return UNARY_TRANSPORTS[DEFAULT_GRPC_TRANSPORT].listen(options, env);
}

function handlerOf(arrivals: Arrivals): UnaryHandler {
  return (call) => {
    const signal = signalOfGrpcPath(call.path);
    if (signal === undefined) {
      call.reply({ status: GRPC.UNIMPLEMENTED, text: `there is no method ${call.path}` });
      return undefined;
    }
    return {
      maxMessageBytes: MAX_MESSAGE_BYTES,
      length: () => undefined,
      message(bytes, compressed) {
        if (compressed) call.reply(NO_COMPRESSION);
        else call.reply(arrivals.take(signal, bytes) ? SUCCESS : MALFORMED);
      },
      cancelled() {
        // Nobody waits for the answer: there is nothing to undo.
      },
    };
  };
}
