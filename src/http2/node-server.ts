import { once } from "node:events";
import http2 from "node:http2";
import { Server as NetServer, type Server, type Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../core/clock.ts";
import { RouterError, reasonOf } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { ServerSession } from "./node-server-session.ts";
import type { TlsServerOptions, UnaryServer, UnaryServerOptions } from "./port.ts";
import { MAX_FRAME_BYTES, MAX_SESSION_MEMORY_MB, STREAM_WINDOW_BYTES } from "./session-settings.ts";

/**
 * Clients that reset faster than this are sent away (rapid reset, CVE-2023-44487). High enough for an honest client
 * whose calls all time out at once.
 */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 200;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;

/** A unary gRPC server over node:http2. Throws LISTEN_FAILED when the address is not to be had, TLS_INVALID for bad PEM. */
export async function listenUnary(
  options: UnaryServerOptions,
  env: { readonly clock: Clock; readonly random: Random },
): Promise<UnaryServer> {
  const server = createServer(options);
  server.maxConnections = options.maxConnections; // beyond: closed by node as soon as it is accepted
  try {
    server.listen({ host: options.host, port: options.port });
    await once(server, "listening");
  } catch (cause) {
    throw new RouterError("LISTEN_FAILED", `${options.host}:${options.port}: ${reasonOf(cause)}`, { cause });
  }
  return new NodeUnaryServer(server, options, env);
}

class NodeUnaryServer implements UnaryServer {
  /** Kept, because a closed server has no address any more, and logs name it. */
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Map<http2.ServerHttp2Session, ServerSession>();
  readonly #drains = new Set<() => void>();
  #stopping = false;

  constructor(server: Server, options: UnaryServerOptions, env: { clock: Clock; random: Random }) {
    const address = server.address();
    // A string only for a Unix socket, null only for a server that does not listen.
    if (address === null || typeof address === "string") throw new RouterError("INTERNAL", "the server has no port");
    this.host = address.address;
    this.port = address.port;
    this.#server = server;
    this.#clock = env.clock;
    server.on("connection", (socket: Socket) => this.#track(socket));
    // Node makes the session of a socket within this event, and does not say which socket it is.
    let arriving: Socket | undefined;
    server.prependListener(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      arriving = socket;
    });
    server.on("session", (handle: http2.ServerHttp2Session) => {
      if (arriving === undefined) return;
      const session = new ServerSession({ session: handle, socket: arriving }, options, env);
      this.#add(handle, session);
      // Its handshake was under way when the listening ended.
      if (this.#stopping) session.retire(options.maxConnectionAgeGraceMs);
    });
    // `error` of a listening server: out of file descriptors; those who wait in the backlog are accepted later.
    for (const event of ["error", "sessionError", "tlsClientError", "clientError"]) server.on(event, ignore);
  }

  get connections(): number {
    return this.#sessions.size;
  }

  async drain(graceMs: number): Promise<void> {
    this.#stop();
    if (this.#sessions.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drains.add(resolve);
      const cancel = this.#clock.after(graceMs, resolve);
      for (const session of this.#sessions.values()) session.retire(graceMs);
      await promise;
      this.#drains.delete(resolve);
      cancel();
    }
    await this.#destroyAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#destroyAll();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    // net's own close: that of http2 closes the sessions, too, which then could not be reset any more.
    NetServer.prototype.close.call(this.#server);
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", ignore);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #add(handle: http2.ServerHttp2Session, session: ServerSession): void {
    this.#sessions.set(handle, session);
    handle.once("close", () => {
      this.#sessions.delete(handle);
      if (this.#sessions.size === 0) for (const drained of this.#drains) drained();
    });
  }

  async #destroyAll(): Promise<void> {
    for (const session of this.#sessions.values()) session.destroy();
    await nextTurn(); // lets the last GOAWAY go out
    const closed = Array.from(this.#sockets, (socket) => {
      const close = once(socket, "close");
      socket.destroy();
      return close;
    });
    await Promise.all(closed);
  }
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
    streamResetBurst: RESET_BURST,
    streamResetRate: RESETS_PER_SECOND,
  };
  if (options.tls === undefined) return http2.createServer(settings);
  try {
    return http2.createSecureServer({ ...settings, ...tlsOptions(options.tls) });
  } catch (cause) {
    throw new RouterError("TLS_INVALID", `certificate of ${options.host}:${options.port}: ${reasonOf(cause)}`, {
      cause,
    });
  }
}

function tlsOptions(tls: TlsServerOptions): http2.SecureServerOptions {
  return {
    cert: tls.cert,
    key: tls.key,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2"],
    handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    ...(tls.clientCa === undefined ? {} : { ca: tls.clientCa, requestCert: true, rejectUnauthorized: true }),
  };
}

function ignore(): void {}
