import type { OutgoingHttpHeaders } from "node:http2";
import type { Cancel, Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import { ClientPool, type LinkOwner } from "./client-pool.ts";
import { dialer, peerUrl } from "./dial.ts";
import { ACCEPTED_ENCODINGS } from "./headers.ts";
import { PingPolicy } from "./liveness.ts";
import { NodeClientCall } from "./node-client-call.ts";
import { NodeClientLink } from "./node-client-link.ts";
import type { UnaryClient, UnaryClientOptions, UnaryRequest, UnaryResult } from "./port.ts";

/**
 * A unary gRPC client over node:http2. Nothing is connected before the first call. Disposing it
 * ends it in peace: calls that wait for a connection fail, those under way run to their end, each
 * bounded by its own timeout. Throws TLS_INVALID for bad PEM, CONFIG_INVALID for a URL that is not
 * http or https.
 */
export function openUnaryClient(
  options: UnaryClientOptions,
  env: { readonly clock: Clock; readonly random: Random },
): UnaryClient {
  const url = peerUrl(options.url);
  const pings = new PingPolicy({ timeMs: options.keepaliveTimeMs, timeoutMs: options.keepaliveTimeoutMs });
  const linkOptions = { ...options, pings, url, dial: dialer(url, options.tls, options) };
  const open = (owner: LinkOwner<NodeClientLink>): NodeClientLink => new NodeClientLink(linkOptions, owner, env.clock);
  return new NodeUnaryClient(url, new ClientPool({ connections: options.connections, open }, env), options, env.clock);
}

class NodeUnaryClient implements UnaryClient {
  readonly #pool: ClientPool<NodeClientLink, NodeClientCall>;
  readonly #options: UnaryClientOptions;
  readonly #clock: Clock;
  readonly #base: OutgoingHttpHeaders;
  readonly #settled = (call: NodeClientCall): void => this.#pool.forget(call);

  constructor(url: URL, pool: ClientPool<NodeClientLink, NodeClientCall>, options: UnaryClientOptions, clock: Clock) {
    this.#pool = pool;
    this.#options = options;
    this.#clock = clock;
    this.#base = {
      ":method": "POST",
      ":scheme": url.protocol.slice(0, -1),
      ":authority": url.host,
      te: "trailers",
      "content-type": "application/grpc",
      "user-agent": options.userAgent,
      "grpc-accept-encoding": ACCEPTED_ENCODINGS,
    };
  }

  unary(request: UnaryRequest, done: (result: UnaryResult) => void): Cancel {
    const { maxResponseBytes } = this.#options;
    const options = { base: this.#base, clock: this.#clock, maxResponseBytes, settled: this.#settled };
    const call = new NodeClientCall(request, options, done);
    this.#pool.place(call, request.timeoutMs);
    return () => call.abandon("cancelled", "the call was cancelled");
  }

  cancelAll(): void {
    this.#pool.cancelAll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
