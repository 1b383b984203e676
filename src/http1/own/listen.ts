import net, { type Server, type Socket } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { type ListeningServer, startListening } from "../../core/sockets/listening-server.ts";
import { type ReadAccepted, readAccepted } from "../../core/sockets/read-socket.ts";
import { tlsOptionsOf } from "../../core/sockets/tls-server-options.ts";
import type { TimeAndChance } from "../../core/time-and-chance.ts";
import { Timers } from "../../core/timers.ts";
import { HTTP1, HttpListening, TCP_KEEPALIVE_MS } from "../listening.ts";
import type { HttpServerOptions } from "../port.ts";
import { DEFAULT_HTTP_LIMITS } from "./contract.ts";
import { KnownHeads } from "./known-head.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { WaitingBytes } from "./waiting-bytes.ts";
import { type HttpShared, HttpSocket } from "./http-socket.ts";

/** Our own HTTP/1.1. Rejects with the error of the system, or of the TLS library. */
export function listenHttpOwn(options: HttpServerOptions, env: TimeAndChance): Promise<ListeningServer> {
  return listenHttpReading(readAccepted, options, env);
}

/** As `listenHttpOwn`; `read` says how sockets are read. */
export async function listenHttpReading(
  read: ReadAccepted,
  options: HttpServerOptions,
  env: TimeAndChance,
): Promise<ListeningServer> {
  const server = createServer(options);
  const listening = new HttpListening(server, env.clock);
  const shared = share(read, options, env, listening);
  if (options.tls === undefined) server.on("connection", (socket: Socket) => accept(socket, listening, shared));
  else {
    server.on("secureConnection", (socket: TLSSocket) => {
      socket.disableRenegotiation();
      accept(socket, listening, shared);
    });
  }
  await startListening(server, options);
  return listening;
}

const SOCKETS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };

function createServer({ tls: secure }: HttpServerOptions): Server {
  if (secure === undefined) return net.createServer({ ...SOCKETS, pauseOnConnect: true });
  return tls.createServer({ ...SOCKETS, ...tlsOptionsOf(secure, HTTP1) });
}

function share(
  read: ReadAccepted,
  options: HttpServerOptions,
  { clock, random }: TimeAndChance,
  listening: HttpListening,
): HttpShared {
  const { handler, refuse, onFault = ignore, maxConnectionAgeMs } = options;
  return {
    limits: {
      ...DEFAULT_HTTP_LIMITS,
      maxHeadBytes: options.maxHeaderBytes,
      headTimeoutMs: Math.min(options.headersTimeoutMs, options.bodyTimeoutMs),
      bodyTimeoutMs: options.bodyTimeoutMs,
      idleTimeoutMs: options.keepAliveTimeoutMs,
    },
    handler,
    refuse,
    heads: new KnownHeads(),
    writer: new ReplyWriter(clock, options.keepAliveTimeoutMs),
    waiting: new WaitingBytes(DEFAULT_HTTP_LIMITS.maxWaitingBytes),
    onFault,
    clock,
    random,
    timers: new Timers(clock),
    read,
    maxConnectionAgeMs,
    isDraining: () => listening.isDraining,
    ended: (connection, isClosed) => listening.ended(connection, isClosed),
  };
}

function accept(socket: Socket, listening: HttpListening, shared: HttpShared): void {
  listening.add(new HttpSocket(socket, shared));
}

function ignore(): void {}
