import { VERSION } from "../../core/version.ts";
import type { UnaryClient, UnaryClientOptions } from "../../http2/port.ts";
import { UNARY_TRANSPORTS } from "../../http2/transport.ts";
import type { GrpcConnectionPlan, TargetCommon } from "../../plan/plan.ts";
import type { Env } from "../../telemetry/env.ts";
import { faultCounter } from "./connection-faults.ts";
import { tunnelProxy } from "./tunnel-proxy.ts";

export type ClientEnv = Pick<Env, "clock" | "random" | "metrics">;

/** What Signalbox calls itself at targets. */
export const USER_AGENT = `Signalbox/${VERSION}`;
/** OTLP: 4 MiB. */
export const MAX_RESPONSE_BYTES = 4 * 1024 * 1024;
export const CONNECT_TIMEOUT_MS = 5_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

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
    ...(tls !== undefined && { tls }),
    ...(address !== undefined && { address }),
    ...(proxy !== undefined && { proxy: tunnelProxy(proxy, tls) }),
  };
  return UNARY_TRANSPORTS[transport].connect(options, env);
}
