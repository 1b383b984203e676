import net, { type Server, type Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { noCommonProtocol } from "../../core/connection-refusal.ts";
import type { ListeningServer } from "../../core/sockets/listening-server.ts";
import { tlsOptionsOf } from "../../core/sockets/tls-server-options.ts";
import { HTTP2, Listening, listenOn, withTls } from "../listening.ts";
import type { UnaryServerOptions } from "../port.ts";
import { CONNECTION_WINDOW_BYTES, MAX_FRAME_BYTES, STREAM_WINDOW_BYTES } from "../session-settings.ts";
import { Timers } from "../../core/timers.ts";
import { DEFAULT_LIMITS } from "./contract.ts";
import { type ReadAccepted, readAccepted } from "../../core/sockets/read-socket.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { RequestHeads } from "./server/request-head.ts";
import { ServerConnection, type ServerShared } from "./server/server-connection.ts";

/**
 * A unary gRPC server on our own HTTP/2. Throws LISTEN_FAILED when the address is not to be had,
 * TLS_INVALID for bad PEM.
 */
export function listenUnary(options: UnaryServerOptions, env: TimeAndChance): Promise<ListeningServer> {
  return listenReading(readAccepted, options, env);
}

/** As `listenUnary`; `read` says how sockets are read. */
export async function listenReading(
  read: ReadAccepted,
  options: UnaryServerOptions,
  env: TimeAndChance,
): Promise<ListeningServer> {
  const server = createServer(options);
  await listenOn(server, options);
  const listening = new Listening(server, options, env.clock);
  const shared = share(read, options, env, listening);
  if (options.tls === undefined) server.on("connection", (socket: Socket) => acceptPlain(socket, listening, shared));
  else server.on("secureConnection", (socket: TLSSocket) => acceptSecure(socket, listening, shared));
  return listening;
}

function createServer(options: UnaryServerOptions): Server {
  const { tls: tlsOptions } = options;
  if (tlsOptions === undefined) return net.createServer({ noDelay: true, pauseOnConnect: true });
  return withTls(options, () => tls.createServer({ noDelay: true, ...tlsOptionsOf(tlsOptions, HTTP2) }));
}

function share(
  read: ReadAccepted,
  options: UnaryServerOptions,
  env: TimeAndChance,
  listening: Listening,
): ServerShared {
  return {
    options,
    limits: {
      ...DEFAULT_LIMITS,
      maxConcurrentStreams: options.maxConcurrentStreams,
      maxHeaderListBytes: options.maxHeaderBytes,
      initialWindowBytes: STREAM_WINDOW_BYTES,
      maxFrameBytes: MAX_FRAME_BYTES,
      connectionWindowBytes: CONNECTION_WINDOW_BYTES,
    },
    ...env,
    timers: new Timers(env.clock),
    heads: new RequestHeads(),
    read,
    closed: (connection) => listening.remove(connection),
  };
}

function acceptPlain(socket: Socket, listening: Listening, shared: ServerShared): void {
  listening.add(new ServerConnection(socket, true, shared));
}

function acceptSecure(socket: TLSSocket, listening: Listening, shared: ServerShared): void {
  // Without ALPN a handshake succeeds, too; with one that has no h2 it does not.
  if (socket.alpnProtocol !== "h2") {
    shared.options.onRefused?.(noCommonProtocol(socket));
    socket.destroy();
    return;
  }
  socket.disableRenegotiation(); // RFC 9113, 9.2.1
  listening.add(new ServerConnection(socket, false, shared));
}
