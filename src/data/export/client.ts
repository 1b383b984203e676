import type { TargetPlan, TargetPlanOf } from "../../plan/plan.ts";
import {
  type ClientEnv,
  CONNECT_TIMEOUT_MS,
  MAX_RESPONSE_BYTES,
  openTransport,
  USER_AGENT,
} from "../connect/transport.ts";
import { openGrpcClient } from "./grpc.ts";
import { type HttpClientOptions, openHttpClient } from "./http.ts";
import { openRenewingClient } from "./renewing-client.ts";
import type { TargetClient } from "./target-client.ts";

/** Two, so that a connection that is lost or asked to leave does not take everything along. */
const GRPC_CONNECTIONS = 2;

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
