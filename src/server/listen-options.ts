import type { GrpcListenerConfig, HttpListenerConfig, NodeConfig } from "../config/schema/config.ts";
import type { GrpcListenerOptions, ListenerOptions, ListenOptions } from "../plan/data-plane.ts";
import { pemOf } from "../plan/compile.ts";

type ReadFile = (path: string) => string;

/** The listeners of a config as the data plane takes them. Fails with TLS_INVALID when a certificate cannot be read. */
export function listenOptions(node: NodeConfig, readFile: ReadFile): ListenOptions {
  const { otlp_grpc: grpc, otlp_http: http } = node.listen;
  const { limits } = node;
  return {
    otlpGrpc: grpc === false ? undefined : grpcOptions(grpc, readFile),
    otlpHttp: http === false ? undefined : listenerOptions(http, "otlp_http", readFile),
    limits: {
      maxRequestBytes: limits.max_request_bytes,
      maxInFlightBytes: limits.max_in_flight_bytes,
      maxConcurrentRequests: limits.max_concurrent_requests,
      maxConnections: limits.max_connections,
      requestTimeoutMs: limits.request_timeout,
      maxTimeoutMs: limits.max_timeout,
    },
  };
}

/** One listener; `name` is its key under node.listen, for messages. */
export function listenerOptions(
  config: Pick<HttpListenerConfig, "address" | "region" | "tls">,
  name: string,
  readFile: ReadFile,
): ListenerOptions {
  return { ...config.address, region: config.region, tls: tlsOptions(config.tls, name, readFile) };
}

function grpcOptions(config: GrpcListenerConfig, readFile: ReadFile): GrpcListenerOptions {
  return {
    ...listenerOptions(config, "otlp_grpc", readFile),
    maxConnectionAgeMs: config.max_connection_age,
    maxConnectionAgeGraceMs: config.max_connection_age_grace,
    keepaliveTimeMs: config.keepalive_time,
    keepaliveTimeoutMs: config.keepalive_timeout,
    maxConcurrentStreams: config.max_concurrent_streams,
  };
}

function tlsOptions(tls: HttpListenerConfig["tls"], name: string, readFile: ReadFile): ListenerOptions["tls"] {
  if (tls === undefined) return undefined;
  const pem = (text: string, key: string): string => pemOf(text, `node.listen.${name}.tls.${key}`, readFile);
  return {
    cert: pem(tls.cert, "cert"),
    key: pem(tls.key.reveal(), "key"),
    clientCa: tls.client_ca === undefined ? undefined : pem(tls.client_ca, "client_ca"),
  };
}
