import { textOwned } from "../../core/bytes.ts";
import type { ListenerKind } from "../../core/listener-kinds.ts";
import type { TlsServerOptions } from "../../core/sockets/tls-server-options.ts";
import type { ListenerOptionsOf, ListenerTls, ListenOptions } from "../../plan/listen-options.ts";
import type { ToldOptions } from "./open-listener.ts";
import { LISTENER_OPENERS, type ReceiveOptions, type RenewedTls } from "./open-listeners.ts";

/** Completes what a node says of its listeners with what is not configurable. */
export function receiveOptions({ listeners, limits: { maxConnections } }: ListenOptions): ReceiveOptions {
  const options = listeners.map(({ kind, ...plan }) => {
    const { tls, ...rest } = plan;
    const told = { ...rest, ...(tls !== undefined && { tls: serverTls(tls) }), maxConnections };
    return [kind, complete(kind, told)] as const;
  });
  return Object.fromEntries(options) as ReceiveOptions; // oxlint-disable-line typescript/no-unsafe-type-assertion -- each by its kind
}

function complete<Kind extends ListenerKind>(
  kind: Kind,
  told: ToldOptions<ListenerOptionsOf[Kind]>,
): ReceiveOptions[Kind] {
  return LISTENER_OPENERS[kind].complete(told);
}

/** What listeners need to know of certificates that were renewed. */
export function renewedTls({ listeners }: Pick<ListenOptions, "listeners">): RenewedTls {
  return Object.fromEntries(listeners.flatMap(({ kind, tls }) => (tls === undefined ? [] : [[kind, serverTls(tls)]])));
}

function serverTls({ cert, key, clientCa, ticketKeys }: ListenerTls): TlsServerOptions {
  return {
    cert,
    key,
    ...(clientCa !== undefined && { clientCa }),
    ...(ticketKeys !== undefined && { ticketKeys: textOwned(ticketKeys, "base64") }),
  };
}
