import http2 from "node:http2";
import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { noCommonProtocol } from "../core/connection-refusal.ts";
import type { ListeningServer } from "../core/sockets/listening-server.ts";
import { tlsOptionsOf } from "../core/sockets/tls-server-options.ts";
import type { TimeAndChance } from "../core/time-and-chance.ts";
import { HTTP2, Listening, listenOn, withTls } from "./listening.ts";
import { ServerSession } from "./node-server-session.ts";
import type { UnaryServerOptions } from "./port.ts";
import { MAX_FRAME_BYTES, MAX_SESSION_MEMORY_MB, STREAM_WINDOW_BYTES } from "./session-settings.ts";

/**
 * Clients that reset faster than this are sent away (rapid reset, CVE-2023-44487). A client resets
 * each call that is refused before its body was read, so an overloaded node meets thousands of
 * honest resets in a second: above the rate at which node:http2 can refuse on one core, this bound
 * would only hit those. What a reset costs is bounded by admission.
 */
const RESET_BURST = 20_000;
const RESETS_PER_SECOND = 10_000;
/**
 * One for each request that is refused while its body comes (node-leftovers.ts); those beyond have
 * a time limit only.
 */
const MAX_OUTSTANDING_PINGS = 1_000;

/**
 * A unary gRPC server over node:http2. Throws LISTEN_FAILED when the address is not to be had,
 * TLS_INVALID for bad PEM.
 */
export async function listenUnary(options: UnaryServerOptions, env: TimeAndChance): Promise<ListeningServer> {
  const server = createServer(options);
  await listenOn(server, options);
  const listening = new Listening(server, options, env.clock);
  // Node makes the session of a socket within this event, and does not say which socket it is.
  let arriving: Socket | undefined;
  server.prependListener(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    arriving = socket;
  });
  if (options.tls !== undefined) {
    server.prependListener("secureConnection", (socket: TLSSocket) => {
      if (socket.alpnProtocol !== "h2") options.onRefused?.(noCommonProtocol(socket));
    });
  }
  server.on("session", (handle: http2.ServerHttp2Session) => {
    if (arriving === undefined) return;
    const session = new ServerSession({ session: handle, socket: arriving }, options, env);
    handle.once("close", () => listening.remove(session));
    listening.add(session);
  });
  return listening;
}

function createServer(options: UnaryServerOptions): Server {
  const settings: http2.ServerOptions = {
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxFrameSize: MAX_FRAME_BYTES,
      maxHeaderListSize: options.maxHeaderBytes,
      maxConcurrentStreams: options.maxConcurrentStreams,
      enablePush: false,
    },
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    maxOutstandingPings: MAX_OUTSTANDING_PINGS,
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
  };
  const { tls } = options;
  if (tls === undefined) return http2.createServer(settings);
  return withTls(options, () => http2.createSecureServer({ ...settings, ...tlsOptionsOf(tls, HTTP2) }));
}
