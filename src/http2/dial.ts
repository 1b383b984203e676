import net, { type Socket } from "node:net";
import tls from "node:tls";
import { RouterError, reasonOf } from "../core/errors.ts";
import { expectedName } from "../core/expected-name.ts";
import type { TlsClientOptions } from "./port.ts";
import type { TunnelProxy } from "./tunnel.ts";
import { type DialledSocket, TunnelStream } from "./tunnel-stream.ts";

const PROTOCOLS: readonly string[] = ["h2"];

/** The URL of a peer. Throws CONFIG_INVALID when it is not http or https. */
export function peerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new RouterError("CONFIG_INVALID", `"${text}" is not an http:// or https:// URL`);
  }
  return url;
}

/** Opens a connection, with the name looked up anew. `onread` takes over the reading. */
export type Dial = (onread?: net.OnReadOpts) => DialledSocket;

interface DialOptions {
  /** Dialled in the place of the name. */
  readonly address?: string;
  /** It is reached by a tunnel through it. */
  readonly proxy?: TunnelProxy;
}

/** Connections to a peer. Throws TLS_INVALID for bad PEM. */
export function dialer(url: URL, options: TlsClientOptions | undefined, { address, proxy }: DialOptions): Dial {
  const name = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  const port = portOf(url);
  const connection = url.protocol === "http:" ? undefined : secureConnection(url, name, options, PROTOCOLS);
  if (proxy !== undefined) {
    const through = (socket: Socket): Socket => {
      return connection === undefined ? socket : speakHttp2(tls.connect({ ...connection, socket }));
    };
    return (onread) => readInto(onread, new TunnelStream(proxy, { host: name, port }, through));
  }
  const to = { host: address ?? name, port };
  if (connection === undefined) {
    return (onread) => net.connect({ ...to, noDelay: true, ...(onread !== undefined && { onread }) });
  }
  // Node documents `onread` for tls.connect, too; its types have it for plain sockets only.
  return (onread) => speakHttp2(tls.connect({ ...to, ...connection, ...(onread !== undefined && { onread }) }));
}

/** The port of a URL, http or https. */
export function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "https:" ? 443 : 80;
}

/** Who has `onread` for sockets alone is given the bytes as they come. */
function readInto(onread: net.OnReadOpts | undefined, stream: TunnelStream): TunnelStream {
  if (onread === undefined) return stream;
  return stream.on("data", (chunk: Buffer) => void onread.callback(chunk.length, chunk));
}

/**
 * What TLS to a peer that is called `name` is told. `protocols`: of ALPN. Throws TLS_INVALID for
 * bad PEM.
 */
export function secureConnection(
  url: URL,
  name: string,
  options: TlsClientOptions | undefined,
  protocols: readonly string[],
): tls.ConnectionOptions {
  return {
    secureContext: secureContext(url, options),
    ALPNProtocols: [...protocols],
    rejectUnauthorized: options?.insecureSkipVerify !== true,
    ...expectedName(options?.serverName ?? name),
  };
}

function speakHttp2(socket: tls.TLSSocket): tls.TLSSocket {
  socket.setNoDelay(true);
  socket.disableRenegotiation(); // RFC 9113, 9.2.1
  socket.once("secureConnect", () => {
    if (socket.alpnProtocol === "h2") return;
    // In a turn of its own: a session of node:http2, which hears of the event after this, aborts
    // the process on a destroyed socket.
    setImmediate(() => socket.destroy(new Error("the peer does not speak HTTP/2 (ALPN h2)")));
  });
  return socket;
}

function secureContext(url: URL, options: TlsClientOptions | undefined): tls.SecureContext {
  try {
    return tls.createSecureContext({
      minVersion: "TLSv1.2",
      ...(options?.ca === undefined ? {} : { ca: options.ca }),
      ...(options?.cert === undefined ? {} : { cert: options.cert }),
      ...(options?.key === undefined ? {} : { key: options.key }),
    });
  } catch (cause) {
    throw new RouterError("TLS_INVALID", `TLS for ${url.host}: ${reasonOf(cause)}`, { cause });
  }
}
