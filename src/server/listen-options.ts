import type { GrpcListenerConfig, HttpListenerConfig, NodeConfig } from "../config/schema/config.ts";
import type { GrpcListenerOptions, HttpListenerOptions, ListenerOptions, ListenOptions } from "../plan/data-plane.ts";

/** The listeners of a config as the data plane takes them. */
export function listenOptions(node: NodeConfig): ListenOptions {
  const { otlp_grpc: grpc, otlp_http: http } = node.listen;
  const { limits } = node;
  return {
    listeners: [
      ...(grpc === false ? [] : [{ kind: "otlp_grpc", ...grpcOptions(grpc) } as const]),
      ...(http === false ? [] : [{ kind: "otlp_http", ...httpOptions(http) } as const]),
    ],
    limits: {
      maxRequestBytes: limits.max_request_bytes,
      maxInFlightBytes: limits.max_in_flight_bytes,
      maxConcurrentRequests: limits.max_concurrent_requests,
      maxConnections: limits.max_connections,
      requestTimeoutMs: limits.request_timeout,
      maxTimeoutMs: limits.max_timeout,
      counts: {
        maxResources: limits.max_resources,
        maxScopes: limits.max_scopes,
        maxItems: limits.max_items,
        maxPoints: limits.max_points,
        maxAttributes: limits.max_attributes,
      },
    },
  };
}

/** One listener. */
export function listenerOptions(config: Pick<HttpListenerConfig, "address" | "region" | "tls">): ListenerOptions {
  return { ...config.address, region: config.region, tls: tlsOptions(config.tls) };
}

function grpcOptions(config: GrpcListenerConfig): GrpcListenerOptions {
  return {
    ...listenerOptions(config),
    transport: config.transport,
    maxConnectionAgeMs: config.max_connection_age,
    maxConnectionAgeGraceMs: config.max_connection_age_grace,
    maxConnectionIdleMs: config.max_connection_idle,
    keepaliveTimeMs: config.keepalive_time,
    keepaliveTimeoutMs: config.keepalive_timeout,
    maxConcurrentStreams: config.max_concurrent_streams,
  };
}

function httpOptions(config: HttpListenerConfig): HttpListenerOptions {
  const { cors, max_connection_age: maxConnectionAgeMs } = config;
  return {
    ...listenerOptions(config),
    maxConnectionAgeMs,
    cors: cors && {
      allowedOrigins: cors.allowed_origins,
      allowedHeaders: cors.allowed_headers,
      maxAgeMs: cors.max_age,
    },
  };
}

function tlsOptions(tls: HttpListenerConfig["tls"]): ListenerOptions["tls"] {
  if (tls === undefined) return undefined;
  return { cert: tls.cert, key: tls.key.reveal(), clientCa: tls.client_ca };
}
