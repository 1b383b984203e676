import net, { type Socket } from "node:net";
import tls from "node:tls";
import { RouterError, reasonOf } from "../core/errors.ts";
import type { TlsClientOptions } from "./port.ts";

/** The URL of a peer. Throws CONFIG_INVALID when it is not http or https. */
export function peerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new RouterError("CONFIG_INVALID", `"${text}" is not an http:// or https:// URL`);
  }
  return url;
}

/** Opens a connection, with the name looked up anew. `onread` takes over the reading. */
export type Dial = (onread?: net.OnReadOpts) => Socket;

/** Connections to a peer, at `address` if one is given. Throws TLS_INVALID for bad PEM. */
export function dialer(url: URL, options: TlsClientOptions | undefined, address?: string): Dial {
  const name = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  const host = address ?? name;
  if (url.protocol === "http:") {
    const port = Number(url.port === "" ? 80 : url.port);
    return (onread) => net.connect({ host, port, noDelay: true, ...(onread !== undefined && { onread }) });
  }
  const port = Number(url.port === "" ? 443 : url.port);
  const connection: tls.ConnectionOptions = {
    host,
    port,
    secureContext: secureContext(url, options),
    ALPNProtocols: ["h2"],
    rejectUnauthorized: options?.insecureSkipVerify !== true,
    ...expectedName(options?.serverName ?? name),
  };
  return (onread) => {
    // Node documents `onread` for tls.connect, too; its types have it for plain sockets only.
    const socket = tls.connect({ ...connection, ...(onread !== undefined && { onread }) });
    socket.setNoDelay(true);
    socket.disableRenegotiation(); // RFC 9113, 9.2.1
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol === "h2") return;
      // In a turn of its own: a session of node:http2, which hears of the event after this, aborts the process on a destroyed socket.
      setImmediate(() => socket.destroy(new Error("the peer does not speak HTTP/2 (ALPN h2)")));
    });
    return socket;
  };
}

/** Whose certificate is accepted. The name is told to the peer, too (SNI), unless it is an address: RFC 9113, 9.2 and RFC 6066, 3. */
function expectedName(name: string): Pick<tls.ConnectionOptions, "servername" | "checkServerIdentity"> {
  if (net.isIP(name) === 0) return { servername: name };
  return { checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate) };
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
