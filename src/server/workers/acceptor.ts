import { createServer, type Server, type Socket } from "node:net";
import type { ConnectionRefusal } from "../../core/connection-refusal.ts";
import { LISTENERS, type ListenerKind } from "../../core/listener-kinds.ts";
import { listenAt, type ListeningAt } from "../../core/sockets/listen-at.ts";
import { formatAddress } from "../../config/schema/address.ts";
import { listenError } from "../../data/receive/listen-error.ts";
import type { ListenerAddresses, ListenOptions } from "../../plan/listen-options.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";

/** Accepts connections in the place of workers, and reads nothing of them. */
export interface Acceptor {
  readonly addresses: ListenerAddresses;
  /** Those that are accepted from now on are closed; so is what listens. */
  close(): void;
}

interface AcceptorOptions {
  readonly listen: ListenOptions;
  /** How many connections there are of a listener. */
  readonly open: (listener: ListenerKind) => number;
  /** Takes a connection. */
  readonly accepted: (listener: ListenerKind, socket: Socket) => void;
}

/** Opens all listeners or none. Throws LISTEN_FAILED. */
export async function openAcceptor(options: AcceptorOptions, env: Env): Promise<Acceptor> {
  const servers: Server[] = [];
  const close = (): void => servers.forEach((server) => void server.close());
  const addresses: Partial<Record<ListenerKind, string>> = {};
  try {
    for (const { kind, host, port } of options.listen.listeners) {
      const { server, address } = await listen(kind, { host, port }, options, env);
      servers.push(server);
      addresses[kind] = formatAddress(address);
    }
  } catch (cause) {
    close();
    throw cause;
  }
  return { addresses, close };
}

async function listen(
  listener: ListenerKind,
  at: ListeningAt,
  { listen: { limits }, open, accepted }: AcceptorOptions,
  env: Env,
): Promise<{ readonly server: Server; readonly address: ListeningAt }> {
  const refuse: (refusal: ConnectionRefusal) => void = refusalTeller(listener, env);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", ignore);
    if (open(listener) < limits.maxConnections) return accepted(listener, socket);
    refuse({ reason: "limit", peer: socket.remoteAddress ?? "", text: "" });
    socket.destroy();
  });
  const address = await listenAt(server, at).catch((cause: unknown) => {
    throw listenError(LISTENERS[listener].title, at, cause);
  });
  return { server, address };
}

function ignore(): void {}
