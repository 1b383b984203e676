import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { SIGNALS } from "../../otlp/signal.ts";
import { VERSION } from "../../core/version.ts";
import { openGrpcSender } from "../send/grpc-sender.ts";
import { openHttpSender } from "../send/http-sender.ts";
import { PROTOCOLS, type Protocol, type SendOptions } from "../send/options.ts";
import type { Sender } from "../send/sender.ts";

/** One client for each protocol, to the router's listeners at these URLs. */
export class Clients implements AsyncDisposable {
  readonly #all = new Map<Protocol, Sender>();

  constructor(urls: { readonly grpc: string; readonly http: string }, env: { clock: Clock; random: Random }) {
    const userAgent = `signalbox-demo/${VERSION}`;
    for (const protocol of PROTOCOLS) {
      const options = optionsOf(protocol, protocol === "grpc" ? urls.grpc : urls.http);
      const open = protocol === "grpc" ? openGrpcSender : openHttpSender;
      this.#all.set(protocol, open(options, userAgent, env));
    }
  }

  of(protocol: Protocol): Sender {
    const client = this.#all.get(protocol);
    if (client === undefined) throw new TypeError(`there is no client for ${protocol}`);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#all.values()) await client[Symbol.asyncDispose]();
  }
}

function optionsOf(protocol: Protocol, url: string): SendOptions {
  return {
    url,
    protocol,
    signals: SIGNALS,
    itemsPerSecond: 0,
    durationMs: Infinity,
    maxItems: Infinity,
    itemsPerRequest: 1,
    services: [],
    concurrency: 16,
    headers: {},
    compression: "none",
    timeoutMs: 10_000,
    retries: 0,
    tls: {},
  };
}
