import type { GrpcTransport } from "../core/grpc-transport.ts";
import type { HttpTransport } from "../core/http-transport.ts";
import type { ListenerKind } from "../core/listener-kinds.ts";
import type { RequestLimits } from "../otlp/limits.ts";

/**
 * Where the data plane listens and what it takes on. Fixed for its life: a change needs a restart.
 */
export interface ListenOptions {
  /** At most one of each kind. */
  readonly listeners: readonly ListenerPlan[];
  readonly limits: IntakeLimits;
}

/** The settings of listeners of each kind. */
export interface ListenerOptionsOf {
  readonly otlp_grpc: GrpcListenerOptions;
  readonly otlp_http: HttpListenerOptions;
}

export type ListenerPlan<Kind extends ListenerKind = ListenerKind> = {
  readonly [K in Kind]: { readonly kind: K } & ListenerOptionsOf[K];
}[Kind];

/** `host:port` as bound, so never port 0; none for a kind that does not listen. */
export type ListenerAddresses = Readonly<Partial<Record<ListenerKind, string>>>;

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Region of senders that state none. */
  readonly region: string;
  readonly tls: ListenerTls | undefined;
  /** Connections are accepted in another process, and handed over. */
  readonly handedOver?: boolean;
}

/** PEM texts. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  /**
   * 48 bytes in base64, which all processes of a node share, so that each resumes the sessions of
   * all.
   */
  readonly ticketKeys?: string | undefined;
}

export interface GrpcListenerOptions extends ListenerOptions {
  readonly transport: GrpcTransport;
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
  readonly maxConnectionIdleMs: number;
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly maxConcurrentStreams: number;
}

export interface HttpListenerOptions extends ListenerOptions {
  readonly transport: HttpTransport;
  readonly maxConnectionAgeMs: number;
  /** undefined: no page of another origin may send. */
  readonly cors: CorsPlan | undefined;
}

/** Which web pages may send. */
export interface CorsPlan {
  /** As written: origin-pattern.ts. */
  readonly allowedOrigins: readonly string[];
  /** `*`: all that are asked for. */
  readonly allowedHeaders: readonly string[];
  readonly maxAgeMs: number;
}

/** For all listeners together. */
export interface IntakeLimits {
  /** Longest request, as sent and after inflation. One request alone may always be this long. */
  readonly maxRequestBytes: number;
  /**
   * Bytes of all requests that are not settled yet: as sent, and what they were inflated or
   * transcoded to. Only a request that is alone may hold more, and the oldest whose body is still
   * coming: so the sum never passes this by more than maxRequestBytes, or 2 x maxRequestBytes if
   * that is more. Each worker has a part of this, and that exception for itself.
   */
  readonly maxInFlightBytes: number;
  readonly maxConcurrentRequests: number;
  readonly maxConnections: number;
  /** Deadline of requests that state none. */
  readonly requestTimeoutMs: number;
  /** Longest deadline that a sender may ask for. */
  readonly maxTimeoutMs: number;
  /** What one request may hold, whatever its bytes. */
  readonly counts: RequestLimits;
}
