import { textOwned } from "../../core/bytes.ts";
import type { TlsServerOptions } from "../../http2/port.ts";
import type { ListenerOptions, ListenOptions } from "../../plan/data-plane.ts";
import { GRPC_DEFAULTS, HTTP_DEFAULTS, type Listeners, type ReceiveOptions } from "./open-listeners.ts";

/** Completes what a node says of its listeners with what is not configurable. */
export function receiveOptions(listen: ListenOptions): ReceiveOptions {
  const { maxConnections } = listen.limits;
  const { grpc, http } = byKind(listen);
  return {
    grpc: grpc && { ...GRPC_DEFAULTS, ...withTls(grpc), maxConnections },
    http: http && { ...HTTP_DEFAULTS, ...withTls(http), maxConnections },
  };
}

/** What listeners need to know of certificates that were renewed. */
export function renewedTls(listen: Pick<ListenOptions, "listeners">): Parameters<Listeners["renew"]>[0] {
  const { grpc, http } = byKind(listen);
  return { grpc: grpc && withTls(grpc).tls, http: http && withTls(http).tls };
}

function byKind({ listeners }: Pick<ListenOptions, "listeners">) {
  return {
    grpc: listeners.find((one) => one.kind === "otlp_grpc"),
    http: listeners.find((one) => one.kind === "otlp_http"),
  };
}

type WithTls<Options> = Omit<Options, "tls"> & { readonly tls?: TlsServerOptions };

function withTls<Options extends ListenerOptions>({ tls, ...rest }: Options): WithTls<Options> {
  if (tls === undefined) return rest;
  const { cert, key, clientCa, ticketKeys } = tls;
  const more = {
    ...(clientCa !== undefined && { clientCa }),
    ...(ticketKeys !== undefined && { ticketKeys: textOwned(ticketKeys, "base64") }),
  };
  return { ...rest, tls: { cert, key, ...more } };
}
