import {
  CONNECTION_REFUSALS,
  type ConnectionRefusal,
  type ConnectionRefusalReason,
} from "../core/connection-refusal.ts";
import { eachListener, HTTP1_ALONE, LISTENERS, type ListenerKind } from "../core/listener-kinds.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

export type ListenerName = ListenerKind | "admin" | "sampling_http" | "sampling_grpc";

/** One line for each listener and reason in this time; it carries how many there were besides. */
const LOG_MS = 10_000;

/**
 * Counts and logs connections that were refused; all reasons are there from zero. `limit` is the
 * key of the bound.
 */
export function refusalTeller(
  listener: ListenerName,
  { metrics, log }: { readonly metrics: Metrics; readonly log: Log },
): (refusal: ConnectionRefusal) => void {
  for (const reason of CONNECTION_REFUSALS) metrics.connectionsRefused.with(listener, reason);
  return ({ reason, peer, text }) => {
    metrics.connectionsRefused.with(listener, reason).add(1);
    const fields = { listener, reason, peer, ...(text !== "" && { said: text }), hint: HINTS[reason](listener) };
    log.limited(`refused ${listener} ${reason}`, LOG_MS)?.warn("a connection was refused", fields);
  };
}

/** Of listeners with a bound of their own. */
const MOST: Readonly<Partial<Record<ListenerName, string>>> = {
  admin: "the admin listener takes 256",
  sampling_http: "it takes 4096: let sources ask less often, or another node",
  sampling_grpc: "it takes 4096: let sources ask another node, or by HTTP",
};

const NO_ALPN: Readonly<Record<ListenerName, string>> = {
  ...eachListener((kind) => LISTENERS[kind].noAlpn),
  admin: HTTP1_ALONE,
  sampling_http: HTTP1_ALONE,
  sampling_grpc: "gRPC needs HTTP/2: the client, or a proxy in front, does not offer h2",
};

const HINTS: Readonly<Record<ConnectionRefusalReason, (listener: ListenerName) => string>> = {
  limit: (listener) => MOST[listener] ?? "raise node.limits.max_connections",
  descriptors: () => "let the process have more open files (ulimit -n, LimitNOFILE), or lower max_connections",
  no_worker: () => "the log says why no worker runs: see what it says of workers that ended",
  client_certificate: (listener) => `the client needs a certificate signed by node.listen.${listener}.tls.client_ca`,
  rejected_by_peer: (listener) => `the client does not trust the certificate of node.listen.${listener}.tls.cert`,
  not_tls: () => "the client speaks plain text to a listener with TLS: use https:// there",
  no_alpn: (listener) => NO_ALPN[listener],
  handshake_timeout: () => "the client connected and did not go on: a port check, or a network that loses packets",
  handshake: () => "the client went away during the handshake, or offers no version or cipher of TLS 1.2 and later",
};
