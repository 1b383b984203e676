import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { Arrivals } from "./arrivals.ts";
import type { TargetFacts } from "./cast.ts";
import { listenGrpc } from "./listen-grpc.ts";
import { listenHttp } from "./listen-http.ts";
import type { Tallies } from "./tallies.ts";

export const HOST = "127.0.0.1";

/** A listening OTLP server. Disposing it closes its port and cuts its connections. */
export interface TargetServer extends AsyncDisposable {
  readonly port: number;
}

/** An OTLP server that takes everything and counts it. It can be stopped and started again, on the same port. */
export class DemoTarget implements AsyncDisposable {
  readonly facts: TargetFacts;
  readonly arrivals: Arrivals;
  readonly #env: { readonly clock: Clock; readonly random: Random };
  #port: number;
  #server: TargetServer | undefined;

  /** `port` 0: any free one. */
  constructor(facts: TargetFacts, port: number, tallies: Tallies, env: { clock: Clock; random: Random }) {
    this.facts = facts;
    this.#port = port;
    this.#env = env;
    this.arrivals = new Arrivals((signal) =>
      facts.id === "errors" && signal === "traces" ? tallies.copies : tallies.first[signal],
    );
  }

  get port(): number {
    return this.#port;
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  /** Throws LISTEN_FAILED when its port is taken. From the first start on it keeps its port. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const { arrivals } = this;
    const address = { host: HOST, port: this.#port };
    this.#server =
      this.facts.protocol === "grpc"
        ? await listenGrpc(address, arrivals, this.#env)
        : await listenHttp(address, arrivals);
    this.#port = this.#server.port;
  }

  /** Cuts connections without a word, as a crash would. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
