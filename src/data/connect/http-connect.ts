import net, { type Socket } from "node:net";
import tls from "node:tls";
import type { Cancel, Clock } from "../../core/clock.ts";
import { intoBuffer } from "../../core/sockets/read-socket.ts";
import type { OpenConnection } from "../../http1/client/contract.ts";
import { portOf, secureConnection } from "../../http2/dial.ts";
import { openTunnel } from "../../http2/tunnel.ts";
import type { TargetPlan } from "../../plan/plan.ts";
import { tunnelProxy } from "./tunnel-proxy.ts";

/** So long a connection is silent before the system asks whether its peer is there. */
const KEEP_ALIVE_MS = 60_000;
const PROTOCOLS: readonly string[] = ["http/1.1"];

type HttpWay = Pick<TargetPlan, "tls" | "address" | "proxy">;

/**
 * How connections to a URL are made: for HTTP/1.1, also where the peer would take HTTP/2, so that
 * one way holds for all. With an address, that is where; the name stays that of the URL. With a
 * proxy, through a tunnel, which has the same time to be there. Throws TLS_INVALID for bad PEM.
 */
export function httpConnector(url: URL, timeoutMs: number, where: HttpWay, clock: Clock): OpenConnection {
  const { address, proxy, tls: plan } = where;
  const host = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  const port = portOf(url);
  const to = { host: address ?? host, port };
  const secure = url.protocol === "https:" ? securer(url, host, plan) : undefined;
  if (proxy === undefined) {
    return (take, done) => {
      const opening = new OpeningSocket(done, clock, timeoutMs);
      const read = { onread: intoBuffer(take) };
      if (secure === undefined) opening.wait(net.connect({ ...to, ...read }), "connect");
      else opening.wait(secure({ ...to, ...read }), "secureConnect");
      return () => opening.cancel();
    };
  }
  const tunnel = tunnelProxy(proxy, plan);
  return (take, done) => {
    const opening = new OpeningSocket(done, clock, timeoutMs, `proxy ${proxy.host}:${proxy.port}: `);
    opening.tunnel = openTunnel(tunnel, { host, port }, (opened) => {
      if (opened instanceof Error) opening.end(opened);
      else if (secure === undefined) opening.end(opened.on("data", take));
      else opening.wait(secure({ socket: opened }).on("data", take), "secureConnect");
    });
    return () => opening.cancel();
  };
}

type OpenSecure = (more: tls.ConnectionOptions & { readonly onread?: net.OnReadOpts }) => tls.TLSSocket;

/** With the session of the connection before, as far as the peer takes it. */
function securer(url: URL, host: string, plan: TargetPlan["tls"]): OpenSecure {
  const options = secureConnection(url, host, plan, PROTOCOLS);
  let session: Buffer | undefined;
  return (more) => {
    const socket = tls.connect({ ...options, ...more, ...(session !== undefined && { session }) });
    return socket.on("session", (made) => void (session = made));
  };
}

/** A socket that is not there yet: what becomes of it is told once. */
class OpeningSocket {
  /** Ends the way to it. */
  tunnel: Cancel | undefined;
  readonly #done: (opened: Socket | Error) => void;
  readonly #cancelTimer: Cancel;
  #socket: Socket | undefined;
  #ended = false;

  constructor(done: (opened: Socket | Error) => void, clock: Clock, timeoutMs: number, who = "") {
    this.#done = done;
    const late = `${who}no connection within ${timeoutMs} ms`;
    this.#cancelTimer = clock.after(timeoutMs, () => this.end(new Error(late)));
  }

  wait(socket: Socket, event: "connect" | "secureConnect"): void {
    this.#socket = socket;
    socket.on("error", (cause) => this.end(cause));
    socket.once("close", () => this.end(new Error("the peer closed the connection")));
    socket.once(event, () => this.end(socket));
  }

  end(result: Socket | Error): void {
    if (this.#stop()) return;
    if (result instanceof Error) this.#drop();
    else result.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    this.#done(result);
  }

  cancel(): void {
    if (!this.#stop()) this.#drop();
  }

  /** True: it had ended. */
  #stop(): boolean {
    if (this.#ended) return true;
    this.#ended = true;
    this.#cancelTimer();
    return false;
  }

  #drop(): void {
    this.tunnel?.();
    this.#socket?.destroy();
  }
}
