import net, { type Socket } from "node:net";
import tls from "node:tls";
import { joinOwned, textBrief } from "../core/bytes.ts";
import type { Cancel } from "../core/clock.ts";
import { reasonOf } from "../core/errors.ts";

/** A proxy that opens tunnels (CONNECT: RFC 9110, 9.3.6). */
export interface TunnelProxy {
  readonly host: string;
  readonly port: number;
  /** The proxy itself is spoken to by TLS; what it is called in its certificate is its host. */
  readonly tls: boolean;
  /** `Proxy-Authorization`; undefined: none. */
  readonly authorization?: string | undefined;
  /** PEM of authorities that are trusted for the proxy besides the system's. */
  readonly ca?: string | undefined;
}

/** Where a tunnel leads to. A name is looked up by the proxy. */
export interface Destination {
  /** An IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * Told once, never from within the call. What the peer has sent already is still to be read from
 * the socket.
 */
type TunnelDone = (opened: Socket | Error) => void;

/** A proxy that says more before its tunnel is none. */
const MAX_HEAD_BYTES = 16_384;
const MAX_REASON_LENGTH = 100;
const HEAD_END = textBrief("\r\n\r\n");
const STATUS_LINE = /^HTTP\/1\.[01] (?<status>\d{3})(?: (?<reason>[^\r\n]*))?(?:\r\n|$)/u;

/**
 * Opens a connection to the destination through the proxy. Whatever fails here is the proxy's or
 * the way's, never the destination's: it has seen nothing, and the text names the proxy. There is
 * no bound on the time: whoever waits cancels, and then is told nothing.
 */
export function openTunnel(proxy: TunnelProxy, to: Destination, done: TunnelDone): Cancel {
  try {
    const opening = new Opening(proxy, to, done);
    return () => opening.cancel();
  } catch (cause) {
    // Authorities that cannot be read.
    const told = setImmediate(() => done(new Error(`proxy ${authorityOf(proxy)}: ${reasonOf(cause)}`)));
    return () => clearImmediate(told);
  }
}

class Opening {
  readonly #proxy: TunnelProxy;
  readonly #done: TunnelDone;
  readonly #socket: Socket;
  #head: Buffer = joinOwned([]);
  #ended = false;
  readonly #read = (): void => this.#onReadable();
  readonly #fail = (cause: Error): void => this.#end(this.#fault(reasonOf(cause)));
  readonly #close = (): void => this.#end(this.#fault("closed the connection without an answer"));

  constructor(proxy: TunnelProxy, to: Destination, done: TunnelDone) {
    this.#proxy = proxy;
    this.#done = done;
    const socket = connectTo(proxy);
    this.#socket = socket;
    socket.on("error", this.#fail);
    socket.on("end", this.#close);
    socket.on("close", this.#close);
    socket.on("readable", this.#read);
    socket.once(proxy.tls ? "secureConnect" : "connect", () => {
      socket.setNoDelay(true);
      socket.write(requestFor(to, proxy));
    });
  }

  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#drop();
  }

  #onReadable(): void {
    while (!this.#ended) {
      const chunk: unknown = this.#socket.read();
      if (!Buffer.isBuffer(chunk)) return;
      this.#head = joinOwned([this.#head, chunk]);
      this.#readHead();
    }
  }

  #readHead(): void {
    const at = this.#head.indexOf(HEAD_END);
    const length = at === -1 ? this.#head.length : at + HEAD_END.length;
    if (length > MAX_HEAD_BYTES) this.#end(this.#fault(`its answer has a head above ${MAX_HEAD_BYTES} bytes`));
    else if (at === -1) this.#suspect();
    else this.#answered(this.#head.toString("latin1", 0, at), this.#head.subarray(length));
  }

  /** What does not begin as HTTP does is not waited for to the end. */
  #suspect(): void {
    const start = this.#head.toString("latin1", 0, 5);
    if (!"HTTP/".startsWith(start)) this.#end(this.#fault("its answer is not HTTP"));
  }

  #answered(head: string, rest: Buffer): void {
    const { status, reason = "" } = STATUS_LINE.exec(head)?.groups ?? {};
    const code = Number(status ?? 0);
    if (code >= 100 && code < 200 && code !== 101) {
      this.#head = rest; // interim: the answer is still to come
      if (rest.length > 0) this.#readHead();
    } else if (code >= 200 && code < 300) {
      this.#open(rest);
    } else {
      this.#end(this.#fault(code === 0 ? "its answer is not HTTP" : `${code} ${this.#clean(reason)}`.trim()));
    }
  }

  #open(rest: Buffer): void {
    this.#unlisten();
    if (rest.length > 0) this.#socket.unshift(rest);
    this.#end(this.#socket);
  }

  #end(result: Socket | Error): void {
    if (this.#ended) return;
    this.#ended = true;
    if (result instanceof Error) this.#drop();
    // A socket is handed over in the turn in which nobody listens to it any more.
    if (result instanceof Error) setImmediate(this.#done, result);
    else this.#done(result);
  }

  #drop(): void {
    this.#unlisten();
    this.#socket.on("error", () => undefined);
    this.#socket.destroy();
  }

  #unlisten(): void {
    this.#socket.off("error", this.#fail).off("end", this.#close).off("close", this.#close).off("readable", this.#read);
  }

  #fault(text: string): Error {
    return new Error(`proxy ${authorityOf(this.#proxy)}: ${text}`);
  }

  /** The proxy's own words; it may repeat what it was told. */
  #clean(reason: string): string {
    const [, token = ""] = (this.#proxy.authorization ?? "").split(" ");
    const told = token === "" ? [] : [token, ...textBrief(token, "base64").toString().split(":")];
    if (told.some((secret) => secret !== "" && reason.includes(secret))) return "";
    return reason.replace(/[^\x20-\x7e]/gu, "?").slice(0, MAX_REASON_LENGTH);
  }
}

function connectTo(proxy: TunnelProxy): Socket {
  const { host, port } = proxy;
  if (!proxy.tls) return net.connect({ host, port });
  return tls.connect({
    host,
    port,
    ALPNProtocols: ["http/1.1"],
    ...(net.isIP(host) === 0 && { servername: host }),
    ...trust(proxy),
  });
}

/** All authorities of the system are read for it: once for each client. */
const CONTEXTS = new WeakMap<TunnelProxy, tls.SecureContext>();

function trust(proxy: TunnelProxy): { readonly secureContext?: tls.SecureContext } {
  const { ca } = proxy;
  if (ca === undefined) return {};
  let secureContext = CONTEXTS.get(proxy);
  if (secureContext === undefined) {
    secureContext = tls.createSecureContext({ ca: [...tls.getCACertificates("default"), ca] });
    CONTEXTS.set(proxy, secureContext);
  }
  return { secureContext };
}

function requestFor(to: Destination, { authorization }: TunnelProxy): string {
  const at = authorityOf(to);
  const who = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  return `CONNECT ${at} HTTP/1.1\r\nHost: ${at}\r\n${who}\r\n`;
}

function authorityOf({ host, port }: Destination): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
