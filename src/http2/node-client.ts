import type { OutgoingHttpHeaders } from "node:http2";
import net, { type Socket } from "node:net";
import tls from "node:tls";
import type { Cancel, Clock } from "../core/clock.ts";
import { RouterError, reasonOf } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { backoffMs } from "./backoff.ts";
import { ClientCall } from "./node-client-call.ts";
import { ClientLink, type LinkOwner } from "./node-client-link.ts";
import type { TlsClientOptions, UnaryClient, UnaryClientOptions, UnaryRequest, UnaryResult } from "./port.ts";

/**
 * A unary gRPC client over node:http2. Nothing is connected before the first call. Disposing it ends it in peace: calls
 * that wait for a connection fail, those under way run to their end, each bounded by its own timeout.
 * Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not http or https.
 */
export function openUnaryClient(
  options: UnaryClientOptions,
  env: { readonly clock: Clock; readonly random: Random },
): UnaryClient {
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    throw new RouterError("CONFIG_INVALID", `"${options.url}" is not an http:// or https:// URL`);
  }
  return new NodeUnaryClient(url, dialer(url, options.tls), options, env);
}

class NodeUnaryClient implements UnaryClient, LinkOwner {
  readonly #url: URL;
  readonly #dial: () => Socket;
  readonly #options: UnaryClientOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #headers: OutgoingHttpHeaders;
  readonly #links = new Set<ClientLink>();
  /** Calls without a connection, oldest first, with the time when each gives up. */
  readonly #waiting = new Map<ClientCall, number>();
  readonly #settled = (call: ClientCall): void => {
    this.#waiting.delete(call);
  };
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #fault = "";
  #closing: PromiseWithResolvers<void> | undefined;

  constructor(url: URL, dial: () => Socket, options: UnaryClientOptions, env: { clock: Clock; random: Random }) {
    this.#url = url;
    this.#dial = dial;
    this.#options = options;
    this.#clock = env.clock;
    this.#random = env.random;
    this.#headers = {
      ":method": "POST",
      ":scheme": url.protocol.slice(0, -1),
      ":authority": url.host,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": options.userAgent,
      "grpc-accept-encoding": "identity",
    };
  }

  unary(request: UnaryRequest, done: (result: UnaryResult) => void): Cancel {
    const { maxResponseBytes } = this.#options;
    const call = new ClientCall(request, { clock: this.#clock, maxResponseBytes, settled: this.#settled }, done);
    this.#place(call, request.timeoutMs);
    return () => call.abandon("cancelled", "the call was cancelled");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= Promise.withResolvers();
    for (const call of this.#waiting.keys()) call.abandon("connect", "the client is closed");
    for (const link of this.#links) link.leave();
    if (this.#links.size > 0) await this.#closing.promise;
  }

  ready(): void {
    this.#failures = 0;
    this.#serveWaiting();
  }

  released(): void {
    if (this.#waiting.size > 0) this.#serveWaiting();
  }

  gone(link: ClientLink, text: string): void {
    this.#links.delete(link);
    if (this.#closing !== undefined) {
      if (this.#links.size === 0) this.#closing.resolve();
      return;
    }
    if (!link.wasReady) {
      this.#fault = text;
      this.#retryAtMs = this.#clock.nowMs() + backoffMs(++this.#failures, this.#random);
    }
    this.#serveWaiting();
  }

  #place(call: ClientCall, timeoutMs: number): void {
    if (this.#closing !== undefined) {
      call.abandon("connect", "the client is closed");
      return;
    }
    const link = this.#leastBusy();
    if (link === undefined || link.active > 0) this.#openAnother();
    if (link !== undefined) call.start(link, this.#headers, timeoutMs);
    else if (this.#isHopeless()) call.abandon("connect", this.#fault);
    else this.#waiting.set(call, this.#clock.nowMs() + timeoutMs);
  }

  #serveWaiting(): void {
    if (this.#waiting.size > 0) this.#openAnother();
    const hopeless = this.#isHopeless();
    for (const [call, untilMs] of this.#waiting) {
      const link = this.#leastBusy();
      if (link !== undefined) {
        this.#waiting.delete(call);
        call.start(link, this.#headers, untilMs - this.#clock.nowMs());
      } else if (hopeless) {
        call.abandon("connect", this.#fault);
      } else {
        return;
      }
    }
  }

  #leastBusy(): ClientLink | undefined {
    let best: ClientLink | undefined;
    for (const link of this.#links) {
      if (link.hasRoom && (best === undefined || link.active < best.active)) best = link;
    }
    return best;
  }

  /** One at a time: the first one to be ready may do, and a peer that is down is knocked at by one. */
  #openAnother(): void {
    let usable = 0;
    for (const link of this.#links) {
      if (link.state === "connecting") return;
      if (link.state === "ready") usable++;
    }
    if (usable >= this.#options.connections || this.#clock.nowMs() < this.#retryAtMs) return;
    this.#links.add(new ClientLink({ ...this.#options, url: this.#url, dial: this.#dial }, this, this.#clock));
  }

  /** No connection is there or on its way, and a new one may not be tried yet. */
  #isHopeless(): boolean {
    for (const link of this.#links) if (link.state !== "leaving") return false;
    return true;
  }
}

/** Every call of what it gives is a new connection, with the name looked up anew. */
function dialer(url: URL, options: TlsClientOptions | undefined): () => Socket {
  const host = url.hostname.replace(/^\[(.*)\]$/u, "$1");
  if (url.protocol === "http:") {
    const port = Number(url.port === "" ? 80 : url.port);
    return () => net.connect({ host, port, noDelay: true });
  }
  const port = Number(url.port === "" ? 443 : url.port);
  const connection: tls.ConnectionOptions = {
    host,
    port,
    secureContext: secureContext(url, options),
    ALPNProtocols: ["h2"],
    rejectUnauthorized: options?.insecureSkipVerify !== true,
    ...(options?.serverName === undefined ? {} : { servername: options.serverName }),
  };
  return () => {
    const socket = tls.connect(connection);
    socket.setNoDelay(true);
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol === "h2") return;
      // In a turn of its own: node's session, which hears of the event after this, aborts the process on a destroyed socket.
      setImmediate(() => socket.destroy(new Error("the peer does not speak HTTP/2 (ALPN h2)")));
    });
    return socket;
  };
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
