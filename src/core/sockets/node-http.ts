import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, Server as TlsServer, type ServerOptions } from "node:https";
import { type ConnectionRefusal, watchRefusals } from "../connection-refusal.ts";
import { reasonOf, RouterError } from "../errors.ts";
import { listenAt } from "./listen-at.ts";
import { type ServerCertificate, TLS_HANDSHAKE_TIMEOUT_MS } from "./tls-server-options.ts";

interface NodeHttpOptions {
  /** What errors call it. */
  readonly title: string;
  /** The key of the config that has its address and its certificate. */
  readonly setting: string;
  readonly address: { readonly host: string; readonly port: number };
  /** Plain text without it. */
  readonly tls: ServerCertificate | undefined;
  readonly maxConnections: number;
  /** Of one request, in bytes and milliseconds. */
  readonly limits: ServerOptions;
  /** Told of each connection that comes to nothing; must not throw. */
  readonly refused: (refusal: ConnectionRefusal) => void;
}

/** One that listens, with TLS or without. Disposing it ends what is under way. */
export interface RenewableServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Certificates and keys that were renewed: for connections from now on. */
  renew(tls: ServerCertificate): void;
}

/**
 * HTTP/1.1 by Node, for what people and SDKs ask for, and not for data. `prepare` sets what else it
 * listens to. Fails with LISTEN_FAILED or TLS_INVALID, and a hint.
 */
export async function listenNodeHttp(
  options: NodeHttpOptions,
  answer: RequestListener,
  prepare?: (server: Server) => void,
): Promise<RenewableServer> {
  const server = create(options, answer);
  server.maxConnections = options.maxConnections;
  watchRefusals(server, options.refused);
  prepare?.(server);
  const port = await listen(server, options);
  return {
    host: options.address.host,
    port,
    renew(tls) {
      if (server instanceof TlsServer) server.setSecureContext(secureOptions(tls));
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function create({ tls, limits, title, setting }: NodeHttpOptions, answer: RequestListener): Server {
  if (tls === undefined) return createServer(limits, answer);
  try {
    return createTlsServer({ ...limits, ...secureOptions(tls) }, answer);
  } catch (cause) {
    const hint = `check ${setting}.tls`;
    throw new RouterError("TLS_INVALID", `${title}: ${reasonOf(cause)}`, { cause, hint });
  }
}

function secureOptions({ cert, key, clientCa }: ServerCertificate): ServerOptions {
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...clients, minVersion: "TLSv1.2", handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS };
}

async function listen(server: Server, { address, title, setting }: NodeHttpOptions): Promise<number> {
  try {
    return (await listenAt(server, address)).port;
  } catch (cause) {
    const hint = `another process may have the port; set ${setting}.address`;
    const message = `${title} ${address.host}:${address.port}: ${reasonOf(cause)}`;
    throw new RouterError("LISTEN_FAILED", message, { cause, hint });
  }
}
