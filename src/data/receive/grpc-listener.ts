import { DEFAULT_GRPC_TRANSPORT, type GrpcTransport } from "../../core/grpc-transport.ts";
import type { ListeningServer } from "../../core/sockets/listening-server.ts";
import type { UnaryServerOptions } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { faultCounter } from "../connect/connection-faults.ts";
import { createGrpcHandler } from "./grpc.ts";
import type { ReceiveEnv } from "./listener-context.ts";
import type { CommonListenerOptions, ListenerDefaults } from "./open-listener.ts";

export type GrpcOptions = CommonListenerOptions &
  Omit<UnaryServerOptions, "handler" | "onFault" | "onRefused" | "pressure"> & { readonly transport: GrpcTransport };

/** Against connections that do nothing; how much they may send is admission's matter. */
export const GRPC_DEFAULTS: ListenerDefaults<GrpcOptions> = {
  transport: DEFAULT_GRPC_TRANSPORT,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
  maxConnections: 10_000,
  maxConnectionAgeMs: 600_000, // so that clients come to see new nodes behind a load balancer
  maxConnectionAgeGraceMs: 30_000,
  keepaliveTimeMs: 30_000,
  keepaliveTimeoutMs: 20_000,
};

/** OTLP/gRPC. Rejects with the error of the system, or of the TLS library. */
export async function listenGrpc(options: GrpcOptions, env: ReceiveEnv): Promise<ListeningServer> {
  const onFault = faultCounter("server", env.metrics);
  const onRefused = refusalTeller("otlp_grpc", env);
  const handler = createGrpcHandler(options.region, env);
  const { listen } = UNARY_TRANSPORTS[options.transport];
  return await listen({ ...options, handler, onFault, onRefused, pressure: env.admission }, env);
}
