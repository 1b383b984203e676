import { RouterError, reasonOf } from "../../core/errors.ts";
import { DEFAULT_GRPC_TRANSPORT, type GrpcTransport } from "../../core/grpc-transport.ts";
import type { TlsServerOptions, UnaryServer, UnaryServerOptions } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import { faultCounter } from "../connect/connection-faults.ts";
import type { ReceiveEnv } from "./listener-context.ts";
import { createGrpcHandler } from "./grpc.ts";
import { type HttpListener, type HttpOptions, listenHttp } from "./http.ts";

export type GrpcOptions = Omit<UnaryServerOptions, "handler" | "onFault" | "onRefused" | "pressure"> & {
  readonly transport: GrpcTransport;
};

interface Regional {
  /** Region of senders that say nothing of their own. */
  readonly region: string;
}

export interface ReceiveOptions {
  readonly grpc: (GrpcOptions & Regional) | undefined;
  readonly http: (HttpOptions & Regional) | undefined;
}

/** What is listened on. Disposing resets what is under way; `drain` first to lose nothing. */
export interface Listeners extends AsyncDisposable {
  readonly grpc: UnaryServer | undefined;
  readonly http: HttpListener | undefined;
  /** Certificates and keys that were renewed: for connections from now on. */
  renew(tls: { readonly grpc: TlsServerOptions | undefined; readonly http: TlsServerOptions | undefined }): void;
  /**
   * Stops accepting on both, and resolves when all requests were answered or `graceMs` has passed.
   */
  drain(graceMs: number): Promise<void>;
}

type Limits<Options> = Omit<Options, "host" | "port" | "tls">;

/** Against connections that do nothing; how much they may send is admission's matter. */
export const GRPC_DEFAULTS: Limits<GrpcOptions> = {
  transport: DEFAULT_GRPC_TRANSPORT,
  maxConcurrentStreams: 1_000,
  maxHeaderBytes: 16_384,
  maxConnections: 10_000,
  maxConnectionAgeMs: 600_000, // so that clients come to see new nodes behind a load balancer
  maxConnectionAgeGraceMs: 30_000,
  keepaliveTimeMs: 30_000,
  keepaliveTimeoutMs: 20_000,
};

/**
 * As above. Idle connections live longer than the 90 s after which the usual clients close them.
 */
export const HTTP_DEFAULTS: Limits<HttpOptions> = {
  maxConnections: 10_000,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 60_000,
  keepAliveTimeoutMs: 120_000,
  maxConnectionAgeMs: 600_000,
};

/** Opens all listeners or none. Throws LISTEN_FAILED or TLS_INVALID, each with a hint. */
export async function openListeners(options: ReceiveOptions, env: ReceiveEnv): Promise<Listeners> {
  await using opened = new AsyncDisposableStack();
  const grpc = options.grpc && opened.use(await openGrpc(options.grpc, options.grpc.region, env));
  const http = options.http && opened.use(await openHttp(options.http, options.http.region, env));
  const parts = opened.move();
  return {
    grpc,
    http,
    renew(tls) {
      if (tls.grpc !== undefined) grpc?.renew(tls.grpc);
      if (tls.http !== undefined) http?.renew(tls.http);
    },
    async drain(graceMs) {
      await Promise.all([grpc?.drain(graceMs), http?.drain(graceMs)]);
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

async function openGrpc(options: GrpcOptions, region: string, env: ReceiveEnv): Promise<UnaryServer> {
  try {
    const onFault = faultCounter("server", env.metrics);
    const onRefused = refusalTeller("otlp_grpc", env);
    const handler = createGrpcHandler(region, env);
    return await UNARY_TRANSPORTS[options.transport].listen(
      { ...options, handler, onFault, onRefused, pressure: env.admission },
      env,
    );
  } catch (cause) {
    throw listenError("OTLP/gRPC", options, cause);
  }
}

async function openHttp(options: HttpOptions, region: string, env: ReceiveEnv): Promise<HttpListener> {
  try {
    return await listenHttp(options, region, env);
  } catch (cause) {
    throw listenError("OTLP/HTTP", options, cause);
  }
}

/** The system's code is on the error itself, or on what it was wrapped around. */
export function listenError(what: string, { host, port }: { host: string; port: number }, cause: unknown): RouterError {
  const origin = cause instanceof RouterError && cause.cause !== undefined ? cause.cause : cause;
  const code = codeOf(origin);
  const tls = code.startsWith("ERR_OSSL") || code.startsWith("ERR_TLS") || code.startsWith("ERR_CRYPTO");
  if (tls) {
    const hint =
      "give the certificate, its key and the clients' authority as PEM, and the key of this very certificate";
    return new RouterError("TLS_INVALID", `certificate of ${what} on ${host}:${port}: ${reasonOf(origin)}`, {
      cause,
      hint,
    });
  }
  const hint = HINTS[code];
  const message = `cannot listen for ${what} on ${host}:${port}: ${reasonOf(origin)}`;
  return new RouterError("LISTEN_FAILED", message, hint === undefined ? { cause } : { cause, hint });
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there: stop it, or choose another port; port 0 takes any free one",
  EACCES: "ports below 1024 need a privilege: choose another port, or grant CAP_NET_BIND_SERVICE",
  EADDRNOTAVAIL: "this machine has no such address: use 0.0.0.0 for all of them, or 127.0.0.1 for this machine only",
  ENOTFOUND: "the host name has no address: check its spelling, or use an IP address",
};
