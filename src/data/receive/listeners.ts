import { textOwned } from "../../core/bytes.ts";
import type { TlsServerOptions } from "../../http2/port.ts";
import type { ListenerOptions, ListenOptions } from "../../plan/data-plane.ts";
import { GRPC_DEFAULTS, HTTP_DEFAULTS, type Listeners, type ReceiveOptions } from "./open-listeners.ts";

/** Completes what a node says of its listeners with what is not configurable. */
export function receiveOptions(listen: ListenOptions): ReceiveOptions {
  const { otlpGrpc: grpc, otlpHttp: http, limits } = listen;
  const { maxConnections } = limits;
  return {
    grpc: grpc && { ...GRPC_DEFAULTS, ...withTls(grpc), maxConnections },
    http: http && { ...HTTP_DEFAULTS, ...withTls(http), maxConnections },
  };
}

/** What listeners need to know of certificates that were renewed. */
export function renewedTls({
  otlpGrpc,
  otlpHttp,
}: Pick<ListenOptions, "otlpGrpc" | "otlpHttp">): Parameters<Listeners["renew"]>[0] {
  return { grpc: otlpGrpc && withTls(otlpGrpc).tls, http: otlpHttp && withTls(otlpHttp).tls };
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
