import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { VERSION } from "../../core/version.ts";
import type { TlsClientOptions, UnaryClient, UnaryClientOptions } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import type { GrpcConnectionPlan, TargetCommon, TargetPlan, TargetPlanOf, TargetTlsPlan } from "../../plan/plan.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { faultCounter } from "../connection-faults.ts";
import { openGrpcClient } from "./grpc.ts";
import { type HttpClientOptions, openHttpClient } from "./http.ts";
import { tunnelProxy } from "./http-connect.ts";
import { openRenewingClient } from "./renewing-client.ts";
import type { TargetClient } from "./target-client.ts";

export interface ClientEnv {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** What Signalbox calls itself at targets. */
export const USER_AGENT = `Signalbox/${VERSION}`;

/** OTLP: 4 MiB. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
const CONNECT_TIMEOUT_MS = 5_000;
/** Two, so that a connection that is lost or asked to leave does not take everything along. */
const GRPC_CONNECTIONS = 2;
const KEEPALIVE_TIMEOUT_MS = 10_000;

const HTTP_OPTIONS: HttpClientOptions = {
  userAgent: USER_AGENT,
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  maxResponseBytes: MAX_RESPONSE_BYTES,
};

type TargetProtocol = TargetPlan["protocol"];
/** `current` gives the plan as it is at each send. */
type OpenClient<Of extends TargetProtocol = TargetProtocol> = (
  current: () => TargetPlanOf<Of>,
  env: ClientEnv,
) => TargetClient;

/**
 * How each protocol is spoken: a protocol is its line here, with a file of its own beside this one.
 */
const CLIENTS: { readonly [Of in TargetProtocol]: OpenClient<Of> } = {
  grpc: (current, env) => openGrpcClient(current, openTransport(current(), env, GRPC_CONNECTIONS)),
  "http/protobuf": (current, env) => openHttpClient(current, HTTP_OPTIONS, env),
};

/**
 * The client of a target. Nothing is connected before the first send. Throws TLS_INVALID for bad
 * PEM.
 */
export function openClient(current: () => TargetPlan, env: ClientEnv): TargetClient {
  const { protocol, url } = current();
  const openOne = CLIENTS[protocol] as OpenClient; // oxlint-disable-line typescript/no-unsafe-type-assertion -- a target keeps its protocol: with another one it is another target
  const open = (plan: () => TargetPlan): TargetClient => openOne(plan, env);
  return url.startsWith("https:") ? openRenewingClient(current, open) : open(current);
}

type TransportPlan = Pick<TargetCommon, "url" | "tls" | "address" | "proxy"> & GrpcConnectionPlan;

/** Unary gRPC to the plan's URL, with its TLS. Throws TLS_INVALID for bad PEM. */
export function openTransport(
  { transport, url, tls, address, proxy, keepaliveMs }: TransportPlan,
  env: ClientEnv,
  connections: number,
): UnaryClient {
  const options: UnaryClientOptions = {
    url,
    connections,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    maxResponseBytes: MAX_RESPONSE_BYTES,
    keepaliveTimeMs: keepaliveMs,
    keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
    userAgent: USER_AGENT,
    onFault: faultCounter("client", env.metrics),
    ...(tls !== undefined && { tls: tlsOptions(tls) }),
    ...(address !== undefined && { address }),
    ...(proxy !== undefined && { proxy: tunnelProxy(proxy, tls) }),
  };
  return UNARY_TRANSPORTS[transport].connect(options, env);
}

function tlsOptions({ ca, cert, key, serverName, insecureSkipVerify }: TargetTlsPlan): TlsClientOptions {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(serverName !== undefined && { serverName }),
    insecureSkipVerify,
  };
}
