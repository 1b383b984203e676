import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { Unreachable } from "../../core/unreachable.ts";
import { VERSION } from "../../core/version.ts";
import type { TlsClientOptions, UnaryClient, UnaryClientOptions } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import type { TargetPlan, TargetTlsPlan } from "../../plan/plan.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { faultCounter } from "../connection-faults.ts";
import { openGrpcClient } from "./grpc.ts";
import { openHttpClient } from "./http.ts";
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

/** The client of a target. Nothing is connected before the first send. Throws TLS_INVALID for bad PEM. */
export function openClient(current: () => TargetPlan, env: ClientEnv): TargetClient {
  const open = (plan: () => TargetPlan): TargetClient => openForProtocol(plan, env);
  return current().url.startsWith("https:") ? openRenewingClient(current, open) : open(current);
}

function openForProtocol(current: () => TargetPlan, env: ClientEnv): TargetClient {
  const { protocol } = current();
  switch (protocol) {
    case "grpc":
      return openGrpcClient(current, openTransport(current(), env, GRPC_CONNECTIONS));
    case "http/protobuf": {
      const options = {
        userAgent: USER_AGENT,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        maxResponseBytes: MAX_RESPONSE_BYTES,
      };
      return openHttpClient(current, options, env);
    }
    default:
      throw new Unreachable(protocol satisfies never);
  }
}

type TransportPlan = Pick<TargetPlan, "transport" | "url" | "tls" | "address" | "proxy" | "keepaliveMs">;

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
