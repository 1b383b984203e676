import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { ConnectionRefusal } from "../../core/connection-refusal.ts";
import { formatAddress } from "../../config/schema/address.ts";
import { listenError } from "../../data/receive/open-listeners.ts";
import type { ListenOptions } from "../../plan/data-plane.ts";
import type { Env } from "../../telemetry/env.ts";
import { refusalTeller } from "../../telemetry/refused-connections.ts";
import type { ListenerKind } from "./messages.ts";

/** Accepts connections in the place of workers, and reads nothing of them. */
export interface Acceptor {
  readonly addresses: { readonly otlpGrpc: string | undefined; readonly otlpHttp: string | undefined };
  /** Those that are accepted from now on are closed; so is what listens. */
  close(): void;
}

export interface AcceptorOptions {
  readonly listen: ListenOptions;
  /** How many connections there are of a listener. */
  readonly open: (listener: ListenerKind) => number;
  /** Takes a connection. */
  readonly accepted: (listener: ListenerKind, socket: Socket) => void;
}

/** Opens all listeners or none. Throws LISTEN_FAILED. */
export async function openAcceptor(options: AcceptorOptions, env: Env): Promise<Acceptor> {
  const { otlpGrpc, otlpHttp } = options.listen;
  const grpc = otlpGrpc && (await listen("otlp_grpc", otlpGrpc, options, env));
  try {
    const http = otlpHttp && (await listen("otlp_http", otlpHttp, options, env));
    return {
      addresses: { otlpGrpc: grpc && boundTo(grpc), otlpHttp: http && boundTo(http) },
      close() {
        grpc?.close();
        http?.close();
      },
    };
  } catch (cause) {
    grpc?.close();
    throw cause;
  }
}

const NAMES: Readonly<Record<ListenerKind, string>> = { otlp_grpc: "OTLP/gRPC", otlp_http: "OTLP/HTTP" };

async function listen(
  listener: ListenerKind,
  at: { readonly host: string; readonly port: number },
  { listen: { limits }, open, accepted }: AcceptorOptions,
  env: Env,
): Promise<Server> {
  const refuse: (refusal: ConnectionRefusal) => void = refusalTeller(listener, env);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on("error", ignore);
    if (open(listener) < limits.maxConnections) return accepted(listener, socket);
    refuse({ reason: "limit", peer: socket.remoteAddress ?? "", text: "" });
    socket.destroy();
  });
  try {
    server.listen({ host: at.host, port: at.port });
    await once(server, "listening");
  } catch (cause) {
    throw listenError(NAMES[listener], at, cause);
  }
  server.on("error", ignore); // out of file descriptors: those who wait in the backlog are accepted later
  return server;
}

function boundTo(server: Server): string | undefined {
  const address = server.address();
  if (address === null || typeof address === "string") return undefined;
  return formatAddress({ host: address.address, port: address.port });
}

function ignore(): void {}
