import type { GrpcListenerConfig, HttpListenerConfig, NodeConfig } from "../config/schema/config.ts";
import { LISTENER_KINDS, type ListenerKind } from "../core/listener-kinds.ts";
import type { ListenerOptions, ListenerPlan, ListenerTls, ListenOptions } from "../plan/listen-options.ts";

/** The listeners of a config as the data plane takes them. */
export function listenOptions(node: NodeConfig): ListenOptions {
  const { limits } = node;
  return {
    listeners: LISTENER_KINDS.flatMap((kind) => listenerPlan(kind, node.listen[kind]) ?? []),
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
        maxHops: limits.max_hops,
      },
    },
  };
}

type ListenerConfig<Kind extends ListenerKind> = Exclude<NodeConfig["listen"][Kind], false>;

const PLANS: { readonly [Kind in ListenerKind]: (config: ListenerConfig<Kind>) => ListenerPlan } = {
  otlp_grpc: grpcPlan,
  otlp_http: httpPlan,
};

/** Undefined for one that is off. */
function listenerPlan<Kind extends ListenerKind>(
  kind: Kind,
  config: false | ListenerConfig<Kind>,
): ListenerPlan | undefined {
  return config === false ? undefined : PLANS[kind](config);
}

/** One listener. */
export function listenerOptions(config: Pick<HttpListenerConfig, "address" | "region" | "tls">): ListenerOptions {
  return { ...config.address, region: config.region, tls: tlsOptions(config.tls) };
}

function grpcPlan(config: GrpcListenerConfig): ListenerPlan<"otlp_grpc"> {
  return {
    kind: "otlp_grpc",
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

function httpPlan(config: HttpListenerConfig): ListenerPlan<"otlp_http"> {
  const { cors, max_connection_age: maxConnectionAgeMs } = config;
  return {
    kind: "otlp_http",
    ...listenerOptions(config),
    transport: config.transport,
    maxConnectionAgeMs,
    cors: cors && {
      allowedOrigins: cors.allowed_origins,
      allowedHeaders: cors.allowed_headers,
      maxAgeMs: cors.max_age,
    },
  };
}

/** The same of all listeners: undefined is plain text. */
export function tlsOptions(tls: HttpListenerConfig["tls"]): Pick<ListenerTls, "cert" | "clientCa" | "key"> | undefined {
  return tls && { cert: tls.cert, key: tls.key.reveal(), clientCa: tls.client_ca };
}
